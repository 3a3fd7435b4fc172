import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import type { ClaimedItem } from "../../src/rollouts/run-store.ts";
import { ANN, openRunWorld } from "../rollouts/run-world.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";

const USERS = 10;
const ELSEWHERE = "100000000999";

describe.each(["postgres", "pglite"] as const)("items that begin together on %s", (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });

  /** Claims all items of a running rollout. No lane makes their changes. */
  async function claimItems() {
    const world = await openRunWorld(database);
    const { id } = await world.plan(USERS, { budget: USERS });
    await sql`select run_rollout(${id})`.execute(database.db);
    const { runStore, log, rolloutChangeStore } = world.replica();
    const account = world.names[0] as string;
    const { items } = await runStore.claim({ rolloutId: id, account }, USERS, 60_000);
    return {
      ...{ id, account, log, runStore },
      item: (at: number) => items[at] as ClaimedItem,
      begin(at: number, attempt: object = {}, intent: object = {}, known?: number) {
        const { opUin, before, sent, ...claimed } = items[at] as ClaimedItem;
        return rolloutChangeStore.begin(
          intentOf({
            account,
            opUin,
            before,
            sent,
            caller: { subject: ANN.subject, client: undefined, issuer: ANN.issuer },
            ...intent,
          }),
          { rolloutId: id, leaseOwner: runStore.owner, ...claimed, ...attempt },
          { ...FRESH, lastSettleOrder: known },
        );
      },
    };
  }

  test("share a transaction, and are changes of the rollout with its person, plan and reason", async () => {
    const { id, item, begin, log } = await claimItems();
    const begun = await Promise.all(
      Array.from({ length: USERS }, (_, at) => begin(at, {}, { reason: "other" })),
    );
    const { rows } = await sql`
      select i.item, i.change_id as id, c.rollout_attempt as attempt, c.op_uin as "opUin", c.caller_subject as who,
        c.reason, c.plan_hash = r.plan_hash as "asPlanned", c.status
      from mfa_rollout_item i join mfa_change c on c.id = i.change_id and c.rollout_item = i.item
      join mfa_rollout r on r.id = i.rollout_id and r.id = c.rollout_id where r.id = ${id} order by i.item`.execute(
      database.db,
    );
    expect(rows).toEqual(
      begun.map(({ id: changeId }, at) => {
        const { item: number, attempt, opUin } = item(at);
        const common = { who: "ann", reason: "Policy 7", asPlanned: true, status: "pending" };
        return { item: number, attempt, opUin, id: changeId, ...common };
      }),
    );
    const transactions =
      await sql`select distinct xmin::text from mfa_change where rollout_id = ${id}`.execute(database.db);
    expect(transactions.rows).toHaveLength(1);
    await Promise.all(begun.map(({ id: changeId }) => log.settle(changeId, APPLIED)));
    expect(await verifyDatabase(database.db, [])).toMatchObject({ problem: undefined });
  });

  test("get the verdict that each would get alone", async () => {
    const { id, item, begin, account, log } = await claimItems();
    const ofItem = (at: number) => intentOf({ account, opUin: item(at).opUin });
    const open = await log.begin(ofItem(1), FRESH);
    const [unknown, known] = [await log.begin(ofItem(2), FRESH), await log.begin(ofItem(3), FRESH)];
    await log.settle(unknown.id, APPLIED);
    const settled = await log.settle(known.id, APPLIED);
    const before = await begin(4);
    const over = sql`update mfa_rollout_item set lease_until = now() where rollout_id = ${id} and item = ${item(5).item}`;
    await over.execute(database.db);
    const lost = { kind: "LOST", id };
    const begun = { kind: "BEGUN", id: expect.any(String) };
    const verdicts = await Promise.all([
      begin(0),
      begin(1),
      begin(2),
      begin(3, {}, {}, settled?.settleOrder),
      begin(4),
      begin(5),
      begin(6, { leaseOwner: "another process" }),
      begin(7, { attempt: 2 }),
      begin(8, {}, { opUin: ELSEWHERE }),
    ]);
    expect(verdicts).toEqual([
      begun,
      { kind: "BUSY", id: open.id },
      { kind: "STALE", id: unknown.id },
      begun,
      { kind: "REPLAY", id: before.id },
      ...[lost, lost, lost, lost],
    ]);
    const again = await Promise.all([begin(6), begin(6), begin(7), begin(8)]);
    expect(again).toEqual([begun, { kind: "REPLAY", id: again[0]?.id }, begun, begun]);
  });

  test("fail alone if they cannot be recorded", async () => {
    const { begin } = await claimItems();
    const faulty = begin(1, {}, { requestHash: "half \0 a text" });
    const outcomes = await Promise.allSettled([begin(0), faulty, begin(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test.each([
    [
      "LOST while the rollout is paused",
      "LOST",
      (id: string) => sql`update mfa_rollout set status = 'paused' where id = ${id}`,
    ],
    [
      "LOST a week after the start",
      "LOST",
      (id: string) => sql`update mfa_rollout set started_at = now() - interval '7 days' where id = ${id}`,
    ],
    [
      "PAUSED while the bulk guard pauses who planned it",
      "PAUSED",
      () => sql`
        insert into caller_pause (id, subject, issuer, users, within_ms)
        values (gen_random_uuid(), 'ann', 'test', 9, 1)`,
    ],
  ] as const)("are %s", async (_, verdict, prepare) => {
    const { id, begin } = await claimItems();
    await prepare(id).execute(database.db);
    const verdicts = await Promise.all([begin(0), begin(1), begin(2)]);
    expect(verdicts.map((one) => one.kind)).toEqual([verdict, verdict, verdict]);
    await sql`update caller_pause set resumed_at = now(), resumed_by_subject = 'x' where resumed_at is null`.execute(
      database.db,
    );
  });
});
