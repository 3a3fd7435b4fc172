import { sql } from "kysely";
import { beforeAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/auth/policy/policy.ts";
import { systemClock } from "../../src/clock.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { DatabaseTime } from "../../src/directory/database-time.ts";
import type { DirectoryUser } from "../../src/directory/directory.ts";
import { PlanStore } from "../../src/rollouts/plan-store.ts";
import { RolloutPlanner } from "../../src/rollouts/rollout-planner.ts";
import { RolloutStore } from "../../src/rollouts/rollout-store.ts";
import { policyOf } from "../auth/policy/policy-of.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { newRollout } from "./new-rollout.ts";

/** Two statements of items and a part of a third. */
const USERS = 2_500;
const OFF = {
  ...{ phone: false, token: false, stoken: false, wechat: false, custom: false, mail: false },
  ...{ u2fToken: false, passkey: false },
};
const READ_AT = new Date("2026-01-01T00:00:00Z");

let database: Database;
let store: RolloutStore;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
  store = new RolloutStore(database);
  // The list of users is fresh, so a plan calls CAM for nothing.
  await sql`
    insert into directory_scan (account, users, listed_at) values ('default', ${USERS}, now())`.execute(
    database.db,
  );
});

function user(index: number): DirectoryUser {
  return {
    ...{
      account: "default",
      opUin: String(100_000_000 + index) as Uin,
      name: `user-${index}`,
      hasPhone: true,
    },
    ...{ consoleLogin: true, loginState: "UNPROTECTED", actionState: "UNPROTECTED", strength: "NONE" },
    protections: { login: OFF, action: OFF, asOf: READ_AT, source: "SCAN" },
  };
}

/** A replica that plans users of a directory in memory. */
function openReplica({
  users = USERS,
  onPage = async (_: number) => {},
  policy = undefined as Policy | undefined,
} = {}) {
  const reports: string[] = [];
  const account = {
    ...{ name: "default", ratePerSecond: 20 },
    scanned: { name: "default", cam: { call: () => Promise.reject(new Error("Not asked for.")) } },
    gatewayIdentity: { knows: () => false, requireOwnKey: async () => undefined },
  };
  let pages = 0;
  const plans = new PlanStore(database, crypto.randomUUID());
  const planner = new RolloutPlanner({
    ...{ database, clock: systemClock, time: new DatabaseTime(database, systemClock), store: plans },
    directory: {
      count: async () => users,
      find: async () => new Map(),
      page: async (_, limit, after) => {
        pages += 1;
        await onPage(pages);
        const first = after === "" ? 0 : Number(after) - 100_000_000 + 1;
        return Array.from({ length: Math.min(limit, users - first) }, (_, at) => user(first + at));
      },
    },
    accounts: {
      all: [{ ...account, scanned: { ...account.scanned, listAction: "ListUsers" } }],
      find: () => ({ ...account, scanned: { ...account.scanned, listAction: "ListUsers" } }),
    },
    ...{ policy: policy && { current: policy, sha256: "p" }, onDrift: () => undefined },
    observer: {
      onPlanned: () => reports.push("planned"),
      onPlanFailed: (_, { code }, error) => reports.push(`failed ${code}: ${error}`),
      onError: (error) => reports.push(`error ${error}`),
    },
  });
  return { planner, plans, reports, look: () => planner.job.run("") };
}

const set = (id: string, values: ReturnType<typeof sql>) =>
  sql`update mfa_rollout set ${values} where id = ${id}`.execute(database.db);

async function whenPlanned(id: string) {
  return vi.waitFor(
    async () => {
      const rollout = await store.find(id);
      expect(rollout?.status).not.toBe("planning");
      return rollout;
    },
    { timeout: 20_000, interval: 50 },
  );
}

test("another replica makes the plan of one that died, and the dead one adds nothing when it wakes up", async () => {
  const whole = await store.create(newRollout());
  openReplica().planner.plan(whole.id);
  const { planHash } = (await whenPlanned(whole.id)) ?? {};

  const { id } = await store.create(newRollout());
  const [stalled, wakes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  // It has users whom the other replica does not find any more, and stalls before it writes them.
  const first = openReplica({
    users: USERS + 2_000,
    onPage: async (page) => {
      if (page !== 3) return;
      stalled.resolve();
      await wakes.promise;
    },
  });
  first.planner.plan(id);
  await stalled.promise;
  const other = openReplica();
  await other.look();
  expect((await store.find(id))?.status).toBe("planning");
  await set(id, sql`plan_lease_until = now() - interval '1 second'`);
  await other.look();
  wakes.resolve();
  expect(await whenPlanned(id)).toMatchObject({ status: "planned", planHash });
  await first.planner.stop();
  expect(await store.countItems(id, {})).toBe(USERS);
  expect([first.reports, other.reports]).toEqual([[], ["planned"]]);
});

test("a plan that brings each replica down fails after three attempts, and says why", async () => {
  const { id } = await store.create(newRollout());
  const { look, plans, reports } = openReplica();
  for (let attempt = 1; attempt <= 3; attempt++) {
    expect(await plans.lease(id)).toMatchObject({ attempts: attempt });
    await set(id, sql`plan_lease_until = now() - interval '1 second'`);
  }
  await look();
  expect(await whenPlanned(id)).toMatchObject({
    ...{ status: "plan_failed", code: "INTERNAL" },
    hint: expect.stringMatching(/^3 attempts to make this plan were interrupted.*Plan again\.$/),
  });
  expect(reports).toEqual([expect.stringContaining("failed INTERNAL")]);
});

test("the shortest time of the rules that ask for an approval is that of the plan", async () => {
  const asking = (expiresInMinutes: number, ...uins: string[]) => ({
    ...{ id: `within-${expiresInMinutes}`, effect: "allow", users: { uins }, approval: { expiresInMinutes } },
  });
  const rules = [asking(60, "100000000"), asking(10, "100000001"), asking(45, "100000002")];
  const policy = policyOf(JSON.stringify({ rules: [...rules, { id: "all", effect: "allow" }] }));
  const [asked, free] = [await store.create(newRollout()), await store.create(newRollout())];
  openReplica({ users: 4, policy }).planner.plan(asked.id);
  expect(await whenPlanned(asked.id)).toMatchObject({ status: "planned", approvalMinutes: 10 });
  openReplica({ users: 4 }).planner.plan(free.id);
  expect((await whenPlanned(free.id))?.approvalMinutes).toBeUndefined();
});

test("a cancelled plan is not finished", async () => {
  const { id } = await store.create(newRollout());
  const replica = openReplica({
    onPage: async (page) => {
      if (page === 2) await set(id, sql`status = 'cancelled', finished_at = now()`);
    },
  });
  replica.planner.plan(id);
  expect(await whenPlanned(id)).toMatchObject({ status: "cancelled" });
  await replica.planner.stop();
  expect(replica.reports).toEqual([]);
  expect(await store.countItems(id, {})).toBeLessThan(USERS);
});

test("the job ends plans that nobody started within a day, and removes their items a week later", async () => {
  const [fresh, late, old] = await Promise.all([0, 24, 8 * 24].map((hours) => planned(hours)));
  await set(old ?? "", sql`status = 'expired', finished_at = now() - interval '8 days'`);
  await openReplica().look();
  const seen = async (id = "") => [(await store.find(id))?.status, await store.countItems(id, {})];
  expect(await Promise.all([fresh, late, old].map(seen))).toEqual([
    ["planned", 1],
    ["expired", 1],
    ["expired", 0],
  ]);
  const { rows } = await sql`select status from mfa_rollout where id = ${late}`.execute(database.db);
  expect(rows).toEqual([{ status: "expired" }]);
});

/** Returns the id of a plan that was made so many hours ago. */
async function planned(hours: number): Promise<string> {
  const { id } = await store.create(newRollout());
  await sql`
    insert into mfa_rollout_item (rollout_id, item, op_uin, state) values (${id}, 1, '5', 'blocked')`.execute(
    database.db,
  );
  const at = sql`now() - make_interval(hours => ${hours})`;
  await set(
    id,
    sql`status = 'planned', plan_hash = 'h', planned_at = ${at}, expires_at = ${at} + interval '1 day', max_failures = 0`,
  );
  return id;
}
