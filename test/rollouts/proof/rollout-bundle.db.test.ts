import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ChainAnchors } from "../../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../../src/audit/change-store.ts";
import { AuditCheckpointer } from "../../../src/audit/checkpointer.ts";
import type { Uin } from "../../../src/contract/index.ts";
import type { Database } from "../../../src/database/database.ts";
import { PlanHash, termsOf } from "../../../src/rollouts/plan-hash.ts";
import { RolloutBundles } from "../../../src/rollouts/proof/rollout-bundle.ts";
import { digestOfItems } from "../../../src/rollouts/proof/rollout-seal.ts";
import { verifyBundle } from "../../../src/rollouts/proof/verify-bundle.ts";
import { RolloutStore } from "../../../src/rollouts/rollout-store.ts";
import { APPLIED, FRESH, intentOf } from "../../audit/intent-of.ts";
import { newSigningKey } from "../../audit/make-chain.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openTestDatabase } from "../../support/open-test-database.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { newRollout } from "../new-rollout.ts";

const IMAGE = { login: { phone: false }, action: { phone: false }, asOf: "2026-01-01T00:00:00.000Z" };
const SENT = { login: { phone: true, stoken: false, wechat: false } };
const USERS = 7;
const OTHERS_SECRET = "a reason that others must not read";

const folder = await temporaryFolder();
const key = newSigningKey();

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  let database: Database;
  let rolloutStore: RolloutStore;
  let log: ChangeStore;
  let checkpointer: AuditCheckpointer;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    rolloutStore = new RolloutStore(database);
    log = new ChangeStore({ database, replica: "test" });
    checkpointer = new AuditCheckpointer({
      ...{ database, privateKey: key.privateKey, clock: new FakeClock(), intervalMs: 60_000 },
      anchors: await ChainAnchors.open({ file: folder.at(`anchors-${kind}`), report: () => undefined }),
    });
  }, 120_000);

  /** Changes a user of the default account outside the rollout. */
  async function changeAnother(): Promise<void> {
    const { id } = await log.begin(intentOf({ reason: OTHERS_SECRET }), FRESH);
    await log.settle(id, APPLIED);
  }

  /** Plans and starts a rollout with changed users and a blocked one. */
  async function startRollout(first: number): Promise<string> {
    const { id } = await rolloutStore.create(newRollout());
    const items = Array.from({ length: USERS }, (_, at) => ({ item: at + 1, op_uin: String(first + at) }));
    await sql`
      insert into mfa_rollout_item (rollout_id, item, account, op_uin, before_image, sent, state, wave)
      select ${id}, i.item, 'default', i.op_uin, ${JSON.stringify(IMAGE)}::jsonb, ${JSON.stringify(SENT)}::jsonb,
        'will_change', 1
      from jsonb_to_recordset(${JSON.stringify(items)}::jsonb) i (item integer, op_uin text)`.execute(
      database.db,
    );
    await sql`
      insert into mfa_rollout_item (rollout_id, item, op_uin, state, code)
      values (${id}, ${USERS + 1}, '99', 'blocked', 'USER_NOT_EXIST')`.execute(database.db);
    const hash = new PlanHash();
    for (const item of await rolloutStore.items(id, {}, USERS + 1)) hash.add(item);
    const { input } = newRollout();
    const planHash = hash.end(termsOf({ policyHash: undefined, undoOf: undefined, maxFailures: 100, input }));
    await sql`
      update mfa_rollout set status = 'planned', plan_hash = ${planHash}, planned_at = now(),
        expires_at = now() + interval '1 day', max_failures = 100
      where id = ${id}`.execute(database.db);
    await sql`select run_rollout(${id})`.execute(database.db);
    return id;
  }

  /** Changes the users of a rollout, with changes of others between them. The third user's change is refused. */
  async function runItems(id: string): Promise<void> {
    const { rows } = await sql<{ items: readonly { item: number; attempt: number; opUin: Uin }[] }>`
      select items from claim_rollout_items(${id}, 'default', 'test', ${USERS}, 60000, 60000)`.execute(
      database.db,
    );
    for (const { item, attempt, opUin } of rows[0]?.items ?? []) {
      if (item % 2 === 0) await changeAnother();
      const intent = {
        ...{ account: "default", op_uin: opUin, gateway_request_id: "r", request_hash: "h", replica: "test" },
        ...{ requested: SENT, before_image: IMAGE, sent: SENT },
        ...{ rollout_id: id, rollout_item: item, rollout_attempt: attempt },
      };
      const begun = await sql<{ id: string }>`
        select change_id as id from begin_rollout_change(${JSON.stringify(intent)}::jsonb, 'test', 60000, null, 0)`.execute(
        database.db,
      );
      const change = begun.rows[0]?.id ?? "";
      if (item !== 3) await log.settle(change, APPLIED);
      else {
        await log.settle(change, { ...APPLIED, status: "refused", code: "USER_NOT_BIND_PHONE" });
        await sql`
          update mfa_rollout_item set state = 'failed', code = 'USER_NOT_BIND_PHONE', settled_at = now()
          where rollout_id = ${id} and item = 3`.execute(database.db);
      }
    }
  }

  /** Reads the users of a rollout again, and seals it. */
  async function seal(id: string): Promise<void> {
    await sql`select advance_rollout(${id})`.execute(database.db);
    await sql`
      update mfa_rollout_item set read_back = before_image || sent, read_back_at = now(), differs = false
      where rollout_id = ${id} and attempt > 0`.execute(database.db);
    const digest = await digestOfItems(rolloutStore, id);
    const { rows } = await sql<{ sealed: boolean }>`
      select seal_rollout(${id}, ${digest}) as sealed`.execute(database.db);
    expect(rows).toEqual([{ sealed: true }]);
  }

  function bundles(signs = true): RolloutBundles {
    const signNow = signs ? () => checkpointer.checkpoint() : undefined;
    return new RolloutBundles({ database, rolloutStore, signNow });
  }

  async function readAll(id: string, { signs = true, size = 500 } = {}): Promise<string> {
    const lines: string[] = [];
    for (let total = 1; lines.length < total; ) {
      const page = await bundles(signs).read(id, lines.length, size);
      if (page === undefined) throw new Error("The rollout has no bundle.");
      lines.push(...page.lines);
      total = page.total;
    }
    return lines.map((line) => `${line}\n`).join("");
  }

  async function verify(bundle: string, isKeyGiven = true) {
    const file = await folder.write("bundle.jsonl", bundle);
    return verifyBundle({ file, trustedKeys: isKeyGiven ? [key.encoded] : undefined });
  }

  test("a sealed rollout has a bundle that verifies, in pages of any size, and that hides other records", async () => {
    await changeAnother();
    const id = await startRollout(200_001);
    expect(await bundles().read(id, 0, 500)).toBeUndefined();
    await runItems(id);
    await changeAnother();
    expect(await bundles().read(id, 0, 500)).toBeUndefined();
    await seal(id);

    const unsigned = await readAll(id, { signs: false });
    expect((await verify(unsigned)).problem).toBe("no checkpoint signs it, so the key proves nothing");
    expect(await verify(unsigned, false)).toMatchObject({ problem: undefined, signed: undefined });

    const bundle = await readAll(id);
    expect(await verify(bundle)).toMatchObject({
      problem: undefined,
      seal: {
        rolloutId: id,
        status: "done",
        differences: 0,
        planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      signed: { publicKey: key.encoded },
    });
    expect(bundle).not.toContain(OTHERS_SECRET);
    expect(bundle.match(/"content":"\{\\"(id|at)\\"/g)).toHaveLength(USERS + 1);
    expect(await readAll(id, { size: 1 })).toBe(bundle);
    expect(await readAll(id, { size: 3 })).toBe(bundle);
    expect(await bundles().read(id, 1_000, 10)).toMatchObject({ lines: [] });
  });

  test("a bundle stays as it was, whatever comes later", async () => {
    const [one, other] = [await startRollout(200_101), await startRollout(200_201)];
    await runItems(one);
    await seal(one);
    const bundle = await readAll(one);
    for (let at = 0; at < 5; at++) {
      await changeAnother();
      await checkpointer.checkpoint();
    }
    await runItems(other);
    await seal(other);
    expect(await readAll(one)).toBe(bundle);
    const later = await readAll(other);
    expect((await verify(later)).problem).toBeUndefined();
    expect(later).not.toContain(one);
  });
});
