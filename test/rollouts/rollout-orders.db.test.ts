import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { RequestMacs } from "../../src/audit/request-macs.ts";
import type { Database } from "../../src/database/database.ts";
import { findRunningRollout } from "../../src/rollouts/running-rollout.ts";
import { policyOf } from "../auth/policy/policy-of.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { ANN, BEN, by, hashOf, openRunWorld, settle } from "./run-world.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

const set = (statement: ReturnType<typeof sql>) => statement.execute(database.db);

/** Alters rows that the database protects, as its owner can. */
async function tamper(statement: ReturnType<typeof sql>): Promise<void> {
  const switchTriggers = async (to: string) => {
    await set(sql.raw(`alter table mfa_rollout ${to} trigger mfa_rollout_guard`));
    for (const name of ["mfa_rollout_item_planned", "mfa_rollout_items_removed"])
      await set(sql.raw(`alter table mfa_rollout_item ${to} trigger ${name}`));
  };
  await switchTriggers("disable");
  await set(statement);
  await switchTriggers("enable always");
}

test("a plan starts once, by its own hash and by who planned it, and only within its time", async () => {
  const world = await openRunWorld(database);
  const { orders, idle } = world.replica();
  const planned = await world.plan(1);
  await expect(orders.start(planned, "other", by(ANN))).rejects.toMatchObject({ code: "PLAN_CHANGED" });
  await expect(orders.start(planned, hashOf(planned), by(BEN))).rejects.toMatchObject({ code: "FORBIDDEN" });
  const started = await orders.start(planned, hashOf(planned), by(ANN));
  expect(started.status).toBe("running");
  await idle();
  const done = await world.found(planned.id);
  expect(await orders.start(done, hashOf(done), by(ANN))).toEqual(done);
  const late = await world.plan(1);
  await tamper(sql`update mfa_rollout set expires_at = now() where id = ${late.id}`);
  await expect(orders.start(late, hashOf(late), by(ANN))).rejects.toMatchObject({
    code: "ROLLOUT_STATUS",
    message: expect.stringContaining("It is expired."),
  });
});

test("two open rollouts never hold the same user", async () => {
  const world = await openRunWorld(database, { guardUsers: 1 });
  const { orders } = world.replica();
  const [first, second] = [await world.plan(2), await world.plan(3)];
  const open = await orders.start(first, hashOf(first), by(ANN));
  await expect(orders.start(second, hashOf(second), by(ANN))).rejects.toMatchObject({
    code: "USERS_IN_OTHER_ROLLOUT",
    message: expect.stringContaining(`2 of its users are in the open rollouts ${first.id}.`),
  });
  await orders.cancel(open, "Not now", by(ANN));
  expect(await orders.start(second, hashOf(second), by(ANN))).toMatchObject({ status: "awaiting_approval" });
});

test("paused callers start, approve and resume nothing, and their rollouts pause", async () => {
  const world = await openRunWorld(database, { guardUsers: 1 });
  const replica = world.replica();
  const { orders } = replica;
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
  await expect(orders.start(planned, hashOf(planned), by(caller))).rejects.toMatchObject({
    code: "CALLER_PAUSED",
  });
  await resume();
  const awaiting = await orders.start(planned, hashOf(planned), by(caller));
  await pause("ben", "pausing");
  await expect(orders.approve(awaiting, hashOf(awaiting), undefined, by(approver))).rejects.toMatchObject({
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
  await orders.approve(awaiting, hashOf(awaiting), undefined, by(approver));
  await expect.poll(() => world.found(planned.id)).toMatchObject({ status: "paused", code: "CALLER_PAUSED" });
  await expect(orders.resume(await world.found(planned.id), by(ANN))).rejects.toMatchObject({
    code: "CALLER_PAUSED",
  });
  await resume();
  await orders.resume(await world.found(planned.id), by(ANN));
  await settle(replica);
  expect((await world.found(planned.id)).status).toBe("done");
});

test("a rejected, withdrawn or expired rollout changes nobody and frees its users", async () => {
  const world = await openRunWorld(database, { guardUsers: 1 });
  const { orders, runner } = world.replica();
  const ends = [];
  for (const end of ["rejected", "withdrawn", "expired"]) {
    const planned = await world.plan(2);
    const awaiting = await orders.start(planned, hashOf(planned), by(ANN));
    if (end === "expired") {
      await set(sql`update mfa_rollout set approval_expires_at = now() where id = ${awaiting.id}`);
      await runner.advance();
      await expect(orders.approve(awaiting, hashOf(awaiting), undefined, by(BEN))).rejects.toMatchObject({
        code: "ROLLOUT_STATUS",
      });
    } else await orders.reject(awaiting, "No", by(end === "rejected" ? BEN : ANN));
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

test("a rule that asks for an approval gets one within its time, however few users the plan has", async () => {
  const world = await openRunWorld(database, { guardUsers: 10 });
  const { orders, idle } = world.replica();
  const planned = await world.plan(2, { approvalMinutes: 30 });
  const awaiting = await orders.start(planned, hashOf(planned), by(ANN));
  expect(awaiting.status).toBe("awaiting_approval");
  const { requestedAt, expiresAt } = awaiting.approval ?? {};
  expect((expiresAt?.getTime() ?? 0) - (requestedAt?.getTime() ?? 0)).toBe(30 * 60_000);
  await idle();
  expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ will_change: 2 });
  expect(await orders.approve(awaiting, hashOf(awaiting), undefined, by(BEN))).toMatchObject({
    status: "running",
  });
  await idle();
});

test("open rollouts are counted by status, and the users of those that have begun by state", async () => {
  const own = await openTestDatabase("postgres");
  const done = await openRunWorld(own);
  const over = await done.plan(1);
  const former = done.replica();
  await former.orders.start(over, hashOf(over), by(ANN));
  await former.idle();
  expect((await done.found(over.id)).status).toBe("done");
  const world = await openRunWorld(own, { guardUsers: 2 });
  const { orders, runStore, idle } = world.replica();
  const [first, second] = [await world.plan(3), await world.plan(4)];
  await orders.start(first, hashOf(first), by(ANN));
  expect(await runStore.countOpen()).toEqual([
    { kind: "status", name: "awaiting_approval", count: 1 },
    { kind: "status", name: "planned", count: 1 },
  ]);
  await orders.cancel(await world.found(second.id), undefined, by(ANN));
  const [cam] = world.cams.values();
  if (cam !== undefined) {
    cam.before = async () => {
      await runStore.pause(first.id, undefined, undefined);
      return undefined;
    };
  }
  await orders.approve(await world.found(first.id), hashOf(first), undefined, by(BEN));
  await expect
    .poll(() => runStore.countOpen())
    .toEqual([
      { kind: "status", name: "paused", count: 1 },
      { kind: "state", name: "will_change", count: 3 },
    ]);
  await orders.cancel(await world.found(first.id), undefined, by(ANN));
  await idle();
  expect(await runStore.countOpen()).toEqual([]);
});

test("two requests at once start a plan once", async () => {
  const world = await openRunWorld(database);
  const { orders, idle } = world.replica();
  const planned = await world.plan(3);
  const started = await Promise.all([1, 2, 3].map(() => orders.start(planned, hashOf(planned), by(ANN))));
  expect(started.map(({ status }) => status)).not.toContain("planned");
  await idle();
  expect(world.reports.filter((report) => report === "started")).toEqual(["started"]);
  const writes = [...world.cams.values()].flatMap((cam) => [...cam.writes.values()]);
  expect(writes.map(({ length }) => length)).toEqual([1, 1, 1]);
});

test("a plan does not start if its policy has changed since", async () => {
  const policy = { current: policyOf('{"rules":[{"id":"all","effect":"allow"}]}'), sha256: "of the plan" };
  const world = await openRunWorld(database, { policy });
  const { orders } = world.replica();
  const planned = await world.plan(1);
  policy.sha256 = "of today";
  await expect(orders.start(planned, hashOf(planned), by(ANN))).rejects.toMatchObject({
    code: "PLAN_CHANGED",
    message: expect.stringContaining("The policy has changed since. Make a new plan."),
  });
});

test("a plan is not approved if its policy has changed since, until the policy is back", async () => {
  const policy = { current: policyOf('{"rules":[{"id":"all","effect":"allow"}]}'), sha256: "of the plan" };
  const world = await openRunWorld(database, { guardUsers: 1, policy });
  policy.current = policyOf({
    accounts: Object.fromEntries(world.names.map((name) => [name, { callers: { subjects: ["ben"] } }])),
    rules: [{ id: "all", effect: "allow" }],
  });
  const { orders, idle } = world.replica();
  const planned = await world.plan(2);
  const awaiting = await orders.start(planned, hashOf(planned), by(ANN));
  const approve = () => orders.approve(awaiting, hashOf(awaiting), undefined, by(BEN));
  policy.sha256 = "of today";
  await expect(approve()).rejects.toMatchObject({
    code: "PLAN_CHANGED",
    message: expect.stringContaining("The policy has changed since. Make a new plan."),
  });
  expect(await world.found(planned.id)).toMatchObject({ status: "awaiting_approval" });
  policy.sha256 = "of the plan";
  expect(await approve()).toMatchObject({ status: "running" });
  await idle();
});

test("a plan that changes nobody does not start", async () => {
  const world = await openRunWorld(database);
  const { orders } = world.replica();
  const planned = await world.plan(0);
  await expect(orders.start(planned, hashOf(planned), by(ANN))).rejects.toMatchObject({
    code: "ROLLOUT_SELECTION",
    message: expect.stringContaining("The plan changes no user."),
  });
});

test("only a person who may make every change of a plan approves it", async () => {
  const policy = { current: policyOf({ rules: [] }), sha256: "p" };
  const world = await openRunWorld(database, { guardUsers: 1, policy });
  const callers = { subjects: ["ben", "cleo"] };
  policy.current = policyOf({
    accounts: Object.fromEntries(world.names.map((name) => [name, { callers }])),
    rules: [
      { id: "not-him", effect: "deny", callers: { subjects: ["ben"] }, users: { uins: ["100000001"] } },
      { id: "all", effect: "allow" },
    ],
  });
  const { orders, idle } = world.replica();
  const planned = await world.plan(2);
  const awaiting = await orders.start(planned, hashOf(planned), by(ANN));
  const approve = (subject: string) =>
    orders.approve(awaiting, hashOf(awaiting), undefined, by({ ...BEN, subject }));
  await expect(approve("ben")).rejects.toMatchObject({
    code: "FORBIDDEN",
    message: expect.stringContaining("The policy (not-him) refuses login.phone.on for the user 100000001."),
  });
  await expect(approve("dan")).rejects.toMatchObject({
    code: "FORBIDDEN",
    message: expect.stringContaining(`It changes users of the account ${world.names[0]}.`),
  });
  expect(await approve("cleo")).toMatchObject({
    status: "running",
    approval: { decision: { by: { subject: "cleo" } } },
  });
  await idle();
});

test("a plan with more users than one statement takes starts, and frees them all when it ends", async () => {
  const world = await openRunWorld(database, { guardUsers: 1 });
  const { orders } = world.replica();
  const [planned, other] = [await world.plan(5_100), await world.plan(5_001)];
  const held = async () => {
    const { rows } = await sql<{ held: number }>`
      select count(*)::integer as held from mfa_rollout_item where rollout_id = ${planned.id} and held`.execute(
      database.db,
    );
    return rows[0]?.held;
  };
  const open = await orders.start(planned, hashOf(planned), by(ANN));
  expect(await held()).toBe(5_100);
  await expect(orders.start(other, hashOf(other), by(ANN))).rejects.toMatchObject({
    code: "USERS_IN_OTHER_ROLLOUT",
    message: expect.stringContaining("5001 of its users"),
  });
  await orders.reject(open, undefined, by(BEN));
  expect(await held()).toBe(0);
});

describe("a plan whose rows were altered in the database", () => {
  const other = JSON.stringify({ login: { phone: false, stoken: false, wechat: true } });
  test.each([
    [
      "a flag set",
      (id: string) =>
        sql`update mfa_rollout_item set sent = ${other}::jsonb where rollout_id = ${id} and item = 2`,
    ],
    [
      "a user",
      (id: string) => sql`update mfa_rollout_item set op_uin = '5' where rollout_id = ${id} and item = 1`,
    ],
    [
      "a state",
      (id: string) =>
        sql`update mfa_rollout_item set state = 'at_risk' where rollout_id = ${id} and item = 1`,
    ],
    [
      "a missing user",
      (id: string) => sql`delete from mfa_rollout_item where rollout_id = ${id} and item = 3`,
    ],
    ["the error budget", (id: string) => sql`update mfa_rollout set max_failures = 99 where id = ${id}`],
    [
      "the waves",
      (id: string) =>
        sql`update mfa_rollout set input = jsonb_set(input, '{includeAtRisk}', 'true') where id = ${id}`,
    ],
  ])("is neither started nor approved: %s", async (_, alter) => {
    const world = await openRunWorld(database, { guardUsers: 2 });
    const { orders } = world.replica();
    const [planned, awaited] = [await world.plan(3), await world.plan(3)];
    const refusal = {
      code: "PLAN_CHANGED",
      message: expect.stringContaining("Its rows in the database are not those that were planned."),
    };
    const awaiting = await orders.start(awaited, hashOf(awaited), by(ANN));
    expect(awaiting.status).toBe("awaiting_approval");
    await tamper(alter(awaited.id));
    await expect(orders.approve(awaiting, hashOf(awaiting), undefined, by(BEN))).rejects.toMatchObject(
      refusal,
    );
    await orders.cancel(awaiting, "Altered", by(ANN));
    await tamper(alter(planned.id));
    await expect(orders.start(planned, hashOf(planned), by(ANN))).rejects.toMatchObject(refusal);
    expect(world.reports.filter((report) => report === "plan altered")).toHaveLength(2);
    expect((await world.found(planned.id)).status).toBe("planned");
  });
});

test("a replica leaves a rollout alone that was started with a key that it does not have", async () => {
  const world = await openRunWorld(database);
  const { orders } = world.replica();
  // No item begins in this window.
  const planned = await world.plan(1, {
    window: { timeZone: "UTC", from: "00:00", to: "00:00", days: undefined },
  });
  const { id } = await orders.start(planned, hashOf(planned), by(ANN));
  const other = RequestMacs.ofSecret(Buffer.alloc(32, 8));
  await expect(findRunningRollout(database, other, id)).rejects.toThrow("This replica does not have the key");
  expect(await findRunningRollout(database, TEST_MACS, id)).toMatchObject({
    id,
    startedBy: { subject: "ann" },
  });
});

test("a rollout that no gateway started in this form changes nobody", async () => {
  const world = await openRunWorld(database, { guardUsers: 2 });
  const { orders, runner, idle } = world.replica();
  // All of this is possible with the rights of the gateway's role in the database.
  const [forged, genuine, waiting] = [await world.plan(1), await world.plan(1), await world.plan(3)];
  await set(sql`update mfa_rollout set started_scopes = '{cam.mfa:write}' where id = ${forged.id}`);
  await set(sql`select run_rollout(${forged.id})`);
  await runner.advance();
  await idle();
  expect(await world.found(forged.id)).toMatchObject({
    ...{
      status: "stopped",
      code: "FORBIDDEN",
      hint: expect.stringContaining("No gateway with this signing key"),
    },
  });
  expect(world.reports).toContain("forged");
  expect([...world.cams.values()].flatMap((cam) => [...cam.writes.keys()])).toEqual([]);
  await orders.start(genuine, hashOf(genuine), by(ANN));
  await idle();
  const awaiting = await orders.start(waiting, hashOf(waiting), by(ANN));
  await set(sql`update mfa_rollout set started_scopes = '{cam.mfa:override}' where id = ${waiting.id}`);
  await expect(orders.approve(awaiting, hashOf(awaiting), undefined, by(BEN))).rejects.toMatchObject({
    code: "PLAN_CHANGED",
  });
  expect([...world.cams.values()].flatMap((cam) => [...cam.writes.keys()])).toEqual(["100000000"]);
});
