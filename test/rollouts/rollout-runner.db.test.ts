import { sql } from "kysely";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { CamError } from "../../src/cam/index.ts";
import { systemClock } from "../../src/clock.ts";
import { GatewayError } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { cutDatabase } from "../support/cut-database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { ANN, BEN, by, hashOf, openRunWorld, settle } from "./run-world.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

type World = Awaited<ReturnType<typeof openRunWorld>>;
type Replica = ReturnType<World["replica"]>;

/** Starts a rollout, and runs it with its reads until nothing is left to do for now. */
async function run(world: World, replica: Replica, planned: Awaited<ReturnType<World["plan"]>>) {
  await replica.orders.start(planned, hashOf(planned), by(ANN));
  await settle(replica);
  return world.found(planned.id);
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
    expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: 12, will_change: 0 });
    const writes = [...world.cams.values()].flatMap((cam) => [...cam.writes.values()]);
    expect(writes.map(({ length }) => length)).toEqual(Array(12).fill(1));
    const proof = await replica.service.proof(await world.found(planned.id));
    expect(proof).toMatchObject({ differences: 0, sealed: true });
    expect(await replica.service.lanes(planned)).toEqual(
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
  const awaiting = await replica.orders.start(planned, hashOf(planned), by(ANN));
  expect(awaiting.status).toBe("awaiting_approval");
  expect(awaiting.startedAt).toBeUndefined();
  await expect(
    replica.orders.approve(awaiting, hashOf(awaiting), undefined, by({ ...ANN, issuer: "other" })),
  ).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
  await expect(replica.orders.approve(awaiting, "other", undefined, by(BEN))).rejects.toMatchObject({
    code: "PLAN_CHANGED",
  });
  const approved = await replica.orders.approve(awaiting, hashOf(awaiting), "Checked", by(BEN));
  expect(approved).toMatchObject({ status: "running", approval: { decision: { kind: "approved" } } });
  expect(await replica.orders.approve(approved, hashOf(approved), "Again", by(BEN))).toEqual(approved);
  await settle(replica);
  const [item] = await world.rolloutStore.items(planned.id, {}, 1);
  const { rows } = await sql`
    select c.*, sealed_content::jsonb as sealed from mfa_change c where id = ${item?.changeId}`.execute(
    database.db,
  );
  expect(rows[0]).toMatchObject({
    ...{
      rollout_id: planned.id,
      rollout_item: 1,
      rollout_attempt: 1,
      plan_hash: hashOf(planned),
      status: "applied",
    },
    ...{
      caller_subject: "ann",
      decided_by_subject: "ben",
      decision_reason: "Checked",
      idempotency_key: null,
    },
    sealed: {
      rolloutId: planned.id,
      planHash: hashOf(planned),
      decidedBySubject: "ben",
      rolloutNeedsApproval: true,
    },
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
        planHash: hashOf(planned),
        users: 2,
        maxFailures: 0,
        approval: { subject: "ben", reason: "Checked" },
      },
    },
    {
      kind: "rollout_sealed",
      details: {
        ...{ planHash: hashOf(planned), status: "done", counts: { applied: 2 }, differences: 0 },
        readBackDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    },
  ]);
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
    const items = await world.rolloutStore.items(planned.id, {}, 10);
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
      access: { authorise, requireNotGatewayIdentity: async () => undefined },
    });
    const planned = await world.plan(4);
    expect(await run(world, world.replica(), planned)).toMatchObject({ status: "done" });
    expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: 1, blocked: 3, failed: 0 });
  });

  test("a lost reply is found out, and the user is not written again", async () => {
    const world = await openRunWorld(database, { timeLimitMs: 500 });
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
    expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: 5 });
    expect([...(cam?.writes.values() ?? [])].map(({ length }) => length)).toEqual(Array(5).fill(1));
  });

  test.each([
    ["CAM is away", "CAM_UNREACHABLE", { kind: "UNREACHABLE" }],
    [
      "others use up the limit of CAM",
      "CAM_RATE_LIMITED",
      { kind: "REFUSED", camCode: "RequestLimitExceeded", camRequestId: "r" },
    ],
  ] as const)("while %s the lane waits, and nothing fails", async (_, code, failure) => {
    const world = await openRunWorld(database, { timeLimitMs: 500 });
    const [cam] = world.cams.values();
    let away = true;
    if (cam !== undefined) {
      cam.before = async (action) => {
        if (away) throw new CamError({ ...failure, action, attempts: 1 });
        return undefined;
      };
    }
    const planned = await world.plan(3);
    const replica = world.replica();
    await replica.orders.start(planned, hashOf(planned), by(ANN));
    await expect.poll(() => world.reports).toContain(`lane ${code}`);
    await expect.poll(() => replica.service.lanes(planned)).toMatchObject([{ state: "held", code }]);
    away = false;
    await settle(replica);
    expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: 3, failed: 0 });
  });

  test("the users of a removed account are blocked", async () => {
    const world = await openRunWorld(database, { accounts: 2 });
    const planned = await world.plan(4);
    await set(sql`delete from noted_account where account = ${world.names[1]}`);
    const replica = world.replica();
    expect(await run(world, replica, planned)).toMatchObject({ status: "done" });
    const items = await world.rolloutStore.items(planned.id, {}, 10);
    expect(items.map(({ account, state }) => [account, state])).toEqual(
      planned.accounts
        .concat(planned.accounts)
        .map((account) => [account, account === world.names[1] ? "blocked" : "applied"]),
    );
    expect(world.reports).toContain("account lost");
  });

  test("an account that is removed during the run blocks the rest of its users", async () => {
    const world = await openRunWorld(database, { accounts: 2, timeLimitMs: 500 });
    const [lost = "", kept = ""] = world.names;
    const replica = world.replica();
    const cam = world.cams.get(lost);
    if (cam !== undefined) {
      cam.before = async (action) => {
        if (action === "SetMfaFlag")
          replica.accounts.replace(replica.accounts.all.filter(({ name }) => name === kept));
        return undefined;
      };
    }
    const planned = await world.plan(20, { budget: 0 });
    await replica.orders.start(planned, hashOf(planned), by(ANN));
    await replica.idle();
    await set(sql`delete from noted_account where account = ${lost}`);
    await settle(replica);
    expect(await world.found(planned.id)).toMatchObject({ status: "done" });
    const counts = await world.rolloutStore.counts(planned.id);
    expect(counts).toMatchObject({ failed: 0, will_change: 0 });
    expect(counts.applied + counts.blocked).toBe(20);
    expect(await world.rolloutStore.countItems(planned.id, { accounts: [kept], states: ["applied"] })).toBe(
      10,
    );
    const blocked = await world.rolloutStore.items(planned.id, { states: ["blocked"] }, 20);
    expect(new Set(blocked.map(({ account, code }) => `${account} ${code}`))).toEqual(
      new Set([`${lost} UNKNOWN_ACCOUNT`]),
    );
  });
});

test.each([2, -2])(
  "a replica whose clock is %i days wrong runs a rollout by the database's clock",
  async (days) => {
    const world = await openRunWorld(database);
    const wrong = { ...systemClock, now: () => Date.now() + days * 86_400_000 };
    const planned = await world.plan(5, { budget: 5 });
    expect(await run(world, world.replica(wrong), planned)).toMatchObject({ status: "done" });
    const { rows } = await sql<{ wrong: number; reads: number }>`
    select count(*) filter (where abs(extract(epoch from now() - t)) > 3600)::integer as wrong,
      count(i.read_back)::integer as reads
    from mfa_rollout r join mfa_rollout_item i on i.rollout_id = r.id join mfa_change c on c.id = i.change_id,
      lateral (values (r.started_at), (r.finished_at), (i.settled_at), (i.read_back_at), (c.created_at), (c.finished_at),
        ((i.read_back ->> 'asOf')::timestamptz)) times (t)
    where r.id = ${planned.id}`.execute(database.db);
    expect(rows).toEqual([{ wrong: 0, reads: 35 }]);
  },
);

test("a database that is lost and comes back during a run changes nobody twice and forgets nobody", async () => {
  const url = await createTestPostgres();
  const own = await openTestPostgres(url);
  const world = await openRunWorld(own, { accounts: 4, timeLimitMs: 500 });
  const lost = Promise.withResolvers<() => Promise<void>>();
  let writes = 0;
  for (const cam of world.cams.values()) {
    cam.before = async (action) => {
      // While some changes are on record and on their way to CAM, and others not yet.
      if (action === "SetMfaFlag" && ++writes === 4) lost.resolve(await cutDatabase(url));
      return undefined;
    };
  }
  const planned = await world.plan(12, { budget: 12 });
  const replica = world.replica();
  await replica.orders.start(planned, hashOf(planned), by(ANN));
  const restore = await lost.promise;
  await expect.poll(() => world.reports.join()).toMatch(/STORE_UNAVAILABLE|lane error/);
  await restore();
  const expire = sql`update mfa_change set lease_until = now() - interval '1 second' where status = 'pending'`;
  await vi.waitFor(
    async () => {
      // The leases of the changes whose end was not recorded end sooner than in life.
      await expire.execute(own.db);
      await replica.reconcile();
      await replica.runner.advance();
      expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: 12 });
    },
    { timeout: 30_000, interval: 200 },
  );
  await settle(replica);
  expect(await world.found(planned.id)).toMatchObject({ status: "done" });
  const written = [...world.cams.values()].flatMap((cam) => [...cam.writes.values()]);
  expect(written.map(({ length }) => length)).toEqual(Array(12).fill(1));
});
