import { loadavg } from "node:os";
import { sql } from "kysely";
import { LOCAL_CALLER } from "../src/auth/caller.ts";
import { policySchema } from "../src/auth/policy/policy.ts";
import { systemClock } from "../src/clock.ts";
import type { Database } from "../src/database/database.ts";
import { DatabaseTime } from "../src/directory/database-time.ts";
import { Directory } from "../src/directory/directory.ts";
import { OrderStore } from "../src/rollouts/order-store.ts";
import { PlanStore } from "../src/rollouts/plan-store.ts";
import { RolloutPlanner } from "../src/rollouts/rollout-planner.ts";
import { RolloutStore } from "../src/rollouts/rollout-store.ts";
import { RunStore } from "../src/rollouts/run-store.ts";
import type { Bench } from "./support/bench.ts";
import { openStore } from "./support/open-store.ts";
import { verdict } from "./support/rows.ts";

const ACCOUNTS = Array.from({ length: 50 }, (_, at) => `account-${at}`);
const USERS = 50_000;

/** Rules that look at names and tags, and exceptions, as a company has them. */
const POLICY = policySchema.parse({
  protectedUsers: ["200000000001-200000000009"],
  exceptions: [{ users: { names: ["user-4321*"] }, reason: "Robots", until: "2099-12-31" }],
  rules: [
    { id: "no-vip", effect: "deny", users: { tags: ["vip"], names: ["ceo-*", "*-root"] } },
    { id: "office", effect: "allow", approval: { expiresInMinutes: 60n } },
  ],
});

/** Measures how long a plan of all users takes from a fresh directory, from the request to the hash. */
export const plans: Bench = {
  name: "plans",
  title: `plan a rollout over ${USERS} users in ${ACCOUNTS.length} accounts, from a fresh directory; s`,
  async run({ smoke, print }) {
    for (const kind of ["postgres", "pglite"] as const) {
      await using parts = new AsyncDisposableStack();
      const database = await openStore(kind, parts);
      const users = smoke ? 1_000 : USERS;
      await fill(database, users);
      const seconds: number[] = [];
      const starts: string[] = [];
      // PGlite takes several times as long, and its figure has no target.
      const rounds = smoke || kind === "pglite" ? 1 : 3;
      for (let round = 0; round < rounds; round++) {
        const plan = await planAll(database, users);
        seconds.push(plan.seconds);
        starts.push(await startAndEnd(database, plan.id));
      }
      const median = seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN;
      const figure = `${kind}: ${users} items, ${seconds.map((each) => each.toFixed(2)).join(", ")}`;
      print(kind === "postgres" ? `${figure}; ${verdict(median, { atMost: 15 }, smoke)}` : figure);
      print(`  ${starts.join("\n  ")}`);
      print(`load average ${loadavg()[0]?.toFixed(1)}`);
    }
  },
};

/** Plans a rollout for everybody. Returns its id and the seconds. @throws Error if the plan lacks a user. */
async function planAll(database: Database, users: number): Promise<{ id: string; seconds: number }> {
  const store = new RolloutStore(database);
  const unused = (): Promise<never> => Promise.reject(new Error("A fresh directory needs no call to CAM."));
  const accounts = ACCOUNTS.map((name) => ({
    ...{
      name,
      ratePerSecond: 20,
      scanned: { name, cam: { call: unused }, listAction: "ListUsers" as const },
    },
    gatewayIdentity: { knows: () => false, requireOwnKey: async () => undefined },
  }));
  const ended = Promise.withResolvers<void>();
  const planner = new RolloutPlanner({
    ...{ database, clock: systemClock, directory: new Directory(database) },
    time: new DatabaseTime(database, systemClock),
    store: new PlanStore(database, "bench"),
    accounts: { all: accounts, find: (name) => accounts.find((account) => account.name === name) },
    policy: { current: POLICY, sha256: "bench" },
    onDrift: () => undefined,
    observer: {
      onPlanned: () => ended.resolve(),
      onPlanFailed: (_, __, error) => ended.reject(error),
      onError: (error) => ended.reject(error),
    },
  });
  const startedMs = performance.now();
  const { id } = await store.create({
    ...{ name: "Everybody", reason: "Bench", accounts: ACCOUNTS, undoOf: undefined, caller: LOCAL_CALLER },
    input: {
      selection: { accounts: ACCOUNTS, filter: {}, opUins: undefined },
      desired: { login: { stoken: true }, action: { stoken: true } },
      maxFailures: { percent: 5 },
      waves: [{ users: 10, holdHours: 24, waitForRelease: true }],
      ...{ window: undefined, includeAtRisk: false },
    },
    requestId: "bench",
  });
  planner.plan(id);
  await ended.promise;
  const seconds = (performance.now() - startedMs) / 1_000;
  const counted = await store.countItems(id, {});
  if (counted !== users) throw new Error(`The plan has ${counted} of ${users} users.`);
  return { id, seconds };
}

/** Asks for the approval of a plan, approves it and ends its run. Returns how long each took. */
async function startAndEnd(database: Database, id: string): Promise<string> {
  const orders = new OrderStore(database, undefined);
  const timed = async (what: string, order: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await order();
    return `${what} ${((performance.now() - startedMs) / 1_000).toFixed(2)} s`;
  };
  const by = (subject: string) => ({ caller: { ...LOCAL_CALLER, subject }, requestId: "bench" });
  const parts = [
    await timed("start", () => orders.start(id, by("local"), 60)),
    await timed("approval", () => orders.approve(id, by("another"), undefined)),
    await timed("end", async () => {
      await orders.cancel(id, undefined);
      await new RunStore(database, "bench").releaseUsers();
    }),
  ];
  const { status } = (await new RolloutStore(database).find(id)) ?? {};
  if (status !== "cancelled") throw new Error(`The rollout is ${status}.`);
  return parts.join(", ");
}

/** Fills the directory with what was read just now: a third without protection, the rest with every method. */
async function fill(database: Database, users: number): Promise<void> {
  await database.withoutTimeLimit((db) =>
    sql`
    insert into directory_user (
      account, op_uin, name, remark, user_type, console_login, has_phone, has_email, profile_as_of, login_methods,
      action_methods, login_unreported, action_unreported, protections_as_of, source
    )
    select 'account-' || i % 50, (200000000000 + i)::text, 'user-' || i, case i % 7 when 1 then '#vip' end,
      2, i % 3 > 0, i % 2 = 0, i % 4 > 0, now(), (array[0, 0, 0, 1, 4, 8, 5, 2, 64, 128])[1 + i % 9],
      (array[0, 4, 1])[1 + i % 3], 224, 224, now(), 'SCAN'
    from generate_series(1, ${users}::integer) i`.execute(db),
  );
  await database.withoutTimeLimit((db) =>
    sql`insert into directory_scan (account, listed_at) select 'account-' || i, now() from generate_series(0, 49) i`.execute(
      db,
    ),
  );
  await database.withoutTimeLimit((db) => sql`vacuum analyze directory_user`.execute(db));
}
