import { sql } from "kysely";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { CamError } from "../../src/cam/index.ts";
import { GatewayError } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ANN, BEN, by, openRunWorld } from "./run-world.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

type World = Awaited<ReturnType<typeof openRunWorld>>;
type Replica = ReturnType<World["replica"]>;

/** Starts a rollout, and runs it with its reads until nothing is left to do for now. */
async function run(world: World, replica: Replica, planned: Awaited<ReturnType<World["plan"]>>) {
  await replica.runs.start(planned, "hash", by(ANN));
  await settle(replica);
  return world.found(planned.id);
}

async function settle(replica: Replica) {
  for (let looks = 0; looks < 3; looks++) {
    await replica.lanes.look();
    await replica.idle();
  }
}

const set = (statement: ReturnType<typeof sql>) => statement.execute(database.db);

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  let either: Database;
  beforeAll(async () => {
    either = kind === "postgres" ? database : await openTestDatabase(kind);
  });

  test("changes every user once, reads every user back, and seals the result", async () => {
    const world = await openRunWorld(either, { accounts: 2 });
    const replica = world.replica();
    const planned = await world.plan(12, { budget: 10 });
    expect(await run(world, replica, planned)).toMatchObject({ status: "done", wave: 1 });
    expect(world.reports).toEqual(["started", "done", "sealed"]);
    expect(await world.rollouts.counts(planned.id)).toMatchObject({ applied: 12, will_change: 0 });
    const writes = [...world.cams.values()].flatMap((cam) => [...cam.writes.values()]);
    expect(writes.map(({ length }) => length)).toEqual(Array(12).fill(1));
    const proof = await replica.runs.proof(await world.found(planned.id));
    expect(proof).toMatchObject({ differences: 0, sealed: true });
    expect(await replica.runs.lanes(planned)).toEqual(
      world.names.map((account) => ({
        ...{ account, total: 6, done: 6, state: "done", code: undefined, secondsLeft: 0 },
      })),
    );
  });
});

test("a record of an item has the rollout, the plan and the approver, and no attempt comes twice", async () => {
  const world = await openRunWorld(database, { guardUsers: 1 });
  const replica = world.replica();
  const planned = await world.plan(2);
  const awaiting = await replica.runs.start(planned, "hash", by(ANN));
  expect(awaiting.status).toBe("awaiting_approval");
  expect(awaiting.startedAt).toBeUndefined();
  await expect(
    replica.runs.approve(awaiting, "hash", undefined, by({ ...ANN, issuer: "other" })),
  ).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
  await expect(replica.runs.approve(awaiting, "other", undefined, by(BEN))).rejects.toMatchObject({
    code: "PLAN_CHANGED",
  });
  const approved = await replica.runs.approve(awaiting, "hash", "Checked", by(BEN));
  expect(approved).toMatchObject({ status: "running", approval: { decision: { kind: "approved" } } });
  expect(await replica.runs.approve(approved, "hash", "Again", by(BEN))).toEqual(approved);
  await settle(replica);
  const [item] = await world.rollouts.items(planned.id, {}, 1);
  const { rows } = await sql`
    select c.*, sealed_content::jsonb as sealed from mfa_change c where id = ${item?.changeId}`.execute(
    database.db,
  );
  expect(rows[0]).toMatchObject({
    ...{ rollout_id: planned.id, rollout_item: 1, rollout_attempt: 1, plan_hash: "hash", status: "applied" },
    ...{
      caller_subject: "ann",
      decided_by_subject: "ben",
      decision_reason: "Checked",
      idempotency_key: null,
    },
    sealed: { rolloutId: planned.id, planHash: "hash", decidedBySubject: "ben", rolloutNeedsApproval: true },
  });
  // Neither person is counted by the bulk guard.
  const counted = await sql`select from caller_user where op_uin in ('100000000', '100000001')`.execute(
    database.db,
  );
  expect(counted.rows).toEqual([]);
  // The table itself refuses a second change of an attempt, and one without the approval.
  const copy = (attempt: number, decision: string | null) =>
    set(sql`
      insert into mfa_change (
        id, account, op_uin, caller_subject, caller_person, gateway_request_id, requested, request_hash, before_image,
        sent, replica, status, rollout_id, rollout_item, rollout_attempt, plan_hash, rollout_needs_approval, expires_at,
        decision, decided_at, decided_by_subject, decided_by_person, decision_request_id
      ) select gen_random_uuid(), account, op_uin, caller_subject, caller_person, 'r', '{}', 'h', '{}', '{}', 'x',
        'pending', rollout_id, rollout_item, ${attempt}, plan_hash, true, expires_at, ${decision}::text,
        case when ${decision}::text is not null then now() end,
        case when ${decision}::text is not null then decided_by_subject end, decided_by_person,
        case when ${decision}::text is not null then 'r' end
      from mfa_change where id = ${item?.changeId}`);
  await expect(copy(1, "approved")).rejects.toThrow("mfa_change_by_rollout");
  await expect(copy(2, null)).rejects.toThrow(/mfa_change_(rollout_is_approved|needs_approval)/);
  const { rows: events } = await sql<{ kind: string; details: object }>`
    select kind, details from audit_event where details ->> 'rolloutId' = ${planned.id} order by id`.execute(
    database.db,
  );
  expect(events).toMatchObject([
    {
      kind: "rollout_started",
      details: {
        planHash: "hash",
        users: 2,
        maxFailures: 0,
        approval: { subject: "ben", reason: "Checked" },
      },
    },
    {
      kind: "rollout_sealed",
      details: {
        ...{ planHash: "hash", status: "done", counts: { applied: 2 }, differences: 0 },
        readBackDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    },
  ]);
});

describe("orders", () => {
  test("a plan starts once, by its own hash and by who planned it, and only within its time", async () => {
    const world = await openRunWorld(database);
    const { runs, idle } = world.replica();
    const planned = await world.plan(1);
    await expect(runs.start(planned, "other", by(ANN))).rejects.toMatchObject({ code: "PLAN_CHANGED" });
    await expect(runs.start(planned, "hash", by(BEN))).rejects.toMatchObject({ code: "FORBIDDEN" });
    const started = await runs.start(planned, "hash", by(ANN));
    expect(started.status).toBe("running");
    await idle();
    const done = await world.found(planned.id);
    expect(await runs.start(done, "hash", by(ANN))).toEqual(done);
    const late = await world.plan(1);
    await set(sql`alter table mfa_rollout disable trigger mfa_rollout_guard`);
    await set(sql`update mfa_rollout set expires_at = now() where id = ${late.id}`);
    await set(sql`alter table mfa_rollout enable always trigger mfa_rollout_guard`);
    await expect(runs.start(late, "hash", by(ANN))).rejects.toMatchObject({
      code: "ROLLOUT_STATUS",
      message: expect.stringContaining("It is expired."),
    });
  });

  test("two open rollouts never hold the same user", async () => {
    const world = await openRunWorld(database, { guardUsers: 1 });
    const { runs } = world.replica();
    const [first, second] = [await world.plan(2), await world.plan(3)];
    const open = await runs.start(first, "hash", by(ANN));
    await expect(runs.start(second, "hash", by(ANN))).rejects.toMatchObject({
      code: "USERS_IN_OTHER_ROLLOUT",
      message: expect.stringContaining(`2 of its users are in the open rollouts ${first.id}.`),
    });
    await runs.cancel(open, "Not now", by(ANN));
    expect(await runs.start(second, "hash", by(ANN))).toMatchObject({ status: "awaiting_approval" });
  });

  test("paused callers start, approve and resume nothing, and their rollouts pause", async () => {
    const world = await openRunWorld(database, { guardUsers: 1 });
    const replica = world.replica();
    const { runs } = replica;
    const [caller, approver] = [
      { ...ANN, subject: "ann", issuer: "test" },
      { ...BEN, issuer: "pausing" },
    ];
    const planned = await world.plan(2);
    const pause = (subject: string, issuer: string) =>
      set(sql`
        insert into caller_pause (id, subject, issuer, users, within_ms)
        values (gen_random_uuid(), ${subject}, ${issuer}, 9, 1)`);
    const resume = () =>
      set(sql`
        update caller_pause set resumed_at = now(), resumed_by_subject = 'x' where resumed_at is null`);
    await pause("ann", "test");
    await expect(runs.start(planned, "hash", by(caller))).rejects.toMatchObject({ code: "CALLER_PAUSED" });
    await resume();
    const awaiting = await runs.start(planned, "hash", by(caller));
    await pause("ben", "pausing");
    await expect(runs.approve(awaiting, "hash", undefined, by(approver))).rejects.toMatchObject({
      code: "CALLER_PAUSED",
    });
    await resume();
    // The pause comes while the first item is read.
    const [cam] = world.cams.values();
    if (cam !== undefined) {
      cam.before = async (action) => {
        if (action === "DescribeSafeAuthFlagColl") await pause("ben", "pausing");
        cam.before = async () => undefined;
        return undefined;
      };
    }
    await runs.approve(awaiting, "hash", undefined, by(approver));
    await vi.waitFor(async () =>
      expect(await world.found(planned.id)).toMatchObject({ status: "paused", code: "CALLER_PAUSED" }),
    );
    await expect(runs.resume(await world.found(planned.id), by(ANN))).rejects.toMatchObject({
      code: "CALLER_PAUSED",
    });
    await resume();
    await runs.resume(await world.found(planned.id), by(ANN));
    await settle(replica);
    expect((await world.found(planned.id)).status).toBe("done");
  });

  test("a rejected, withdrawn or expired rollout changes nobody and frees its users", async () => {
    const world = await openRunWorld(database, { guardUsers: 1 });
    const { runs, lanes } = world.replica();
    const ends = [];
    for (const end of ["rejected", "withdrawn", "expired"]) {
      const awaiting = await runs.start(await world.plan(2), "hash", by(ANN));
      if (end === "expired") {
        await set(sql`update mfa_rollout set approval_expires_at = now() where id = ${awaiting.id}`);
        await lanes.look();
        await expect(runs.approve(awaiting, "hash", undefined, by(BEN))).rejects.toMatchObject({
          code: "ROLLOUT_STATUS",
        });
      } else await runs.reject(awaiting, "No", by(end === "rejected" ? BEN : ANN));
      const { status, code } = await world.found(awaiting.id);
      ends.push([end, status, code]);
    }
    expect(ends).toEqual([
      ["rejected", "cancelled", "APPROVAL_REJECTED"],
      ["withdrawn", "cancelled", undefined],
      ["expired", "expired", "APPROVAL_EXPIRED"],
    ]);
    expect([...world.cams.values()].flatMap(({ writes }) => [...writes])).toEqual([]);
  });
});

describe("items", () => {
  test("a user who changed since the plan is left alone, and the others are changed", async () => {
    const world = await openRunWorld(database);
    const [cam] = world.cams.values();
    const planned = await world.plan(3);
    const off = { token: false, custom: false, mail: false, u2fToken: false, passkey: false };
    const changed = { phone: false, stoken: true, wechat: false, ...off };
    cam?.users.set("100000001", { login: changed, action: changed });
    const replica = world.replica();
    expect(await run(world, replica, planned)).toMatchObject({ status: "done" });
    const items = await world.rollouts.items(planned.id, {}, 10);
    expect(items.map(({ state, code }) => [state, code])).toEqual([
      ["applied", undefined],
      ["changed_since", "PLAN_CHANGED"],
      ["applied", undefined],
    ]);
    expect(cam?.writes.has("100000001")).toBe(false);
  });

  test("users whom the policy has come to forbid are blocked, and spend no budget", async () => {
    const authorise = async ({ request }: { readonly request: { readonly opUin: string } }) => {
      if (request.opUin === "100000000") return { approval: undefined };
      throw new GatewayError("FORBIDDEN", { rule: "policy no-more" });
    };
    const world = await openRunWorld(database, {
      access: { authorise, requireNotOwn: async () => undefined },
    });
    const planned = await world.plan(4);
    expect(await run(world, world.replica(), planned)).toMatchObject({ status: "done" });
    expect(await world.rollouts.counts(planned.id)).toMatchObject({ applied: 1, blocked: 3, failed: 0 });
  });

  test("a lost reply is found out, and the user is not written again", async () => {
    const world = await openRunWorld(database, { deadlineMs: 500 });
    const [cam] = world.cams.values();
    const lost = new Set<string>();
    if (cam !== undefined) {
      cam.before = async (action, opUin) => {
        if (action !== "SetMfaFlag" || lost.has(opUin)) return undefined;
        lost.add(opUin);
        return "lose";
      };
    }
    const planned = await world.plan(5, { budget: 10 });
    const replica = world.replica();
    expect(await run(world, replica, planned)).toMatchObject({ status: "done" });
    expect(await world.rollouts.counts(planned.id)).toMatchObject({ applied: 5 });
    expect([...(cam?.writes.values() ?? [])].map(({ length }) => length)).toEqual(Array(5).fill(1));
  });

  test("while CAM is away the lane waits, and nothing fails", async () => {
    const world = await openRunWorld(database, { deadlineMs: 500 });
    const [cam] = world.cams.values();
    let away = true;
    if (cam !== undefined) {
      cam.before = async (action) => {
        if (away) throw new CamError({ kind: "UNREACHABLE", action, attempts: 1 });
        return undefined;
      };
    }
    const planned = await world.plan(3);
    const replica = world.replica();
    await replica.runs.start(planned, "hash", by(ANN));
    await vi.waitFor(() => expect(world.reports).toContain("lane CAM_UNREACHABLE"));
    await vi.waitFor(async () =>
      expect(await replica.runs.lanes(planned)).toMatchObject([{ state: "held", code: "CAM_UNREACHABLE" }]),
    );
    away = false;
    await settle(replica);
    expect(await world.rollouts.counts(planned.id)).toMatchObject({ applied: 3, failed: 0 });
  });

  test("the users of a removed account are blocked", async () => {
    const world = await openRunWorld(database, { accounts: 2 });
    const planned = await world.plan(4);
    await set(sql`delete from noted_account where account = ${world.names[1]}`);
    const replica = world.replica();
    expect(await run(world, replica, planned)).toMatchObject({ status: "done" });
    const items = await world.rollouts.items(planned.id, {}, 10);
    expect(items.map(({ account, state }) => [account, state])).toEqual(
      planned.accounts
        .concat(planned.accounts)
        .map((account) => [account, account === world.names[1] ? "blocked" : "applied"]),
    );
    expect(world.reports).toContain("account lost");
  });
});
