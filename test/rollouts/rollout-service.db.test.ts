import { sql } from "kysely";
import { beforeAll, expect, test } from "vitest";
import { CallerPauses } from "../../src/audit/caller-pauses.ts";
import { Accounts } from "../../src/auth/accounts.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { MAX_USERS } from "../../src/rollouts/rollout.ts";
import { type PlanRequest, RolloutService } from "../../src/rollouts/rollout-service.ts";
import { RolloutStore } from "../../src/rollouts/rollout-store.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { newRollout } from "./new-rollout.ts";
import { ANN, BEN, by } from "./run-world.ts";

let database: Database;
let plans: RolloutService;
/** The rollouts that the planner was given. */
const begun: string[] = [];

beforeAll(async () => {
  database = await openTestDatabase("postgres");
  const accounts = new Accounts(
    [
      { name: "default", ratePerSecond: 20 },
      { name: "prod", ratePerSecond: 20 },
    ],
    () => false,
  );
  plans = new RolloutService({
    ...{ rolloutStore: new RolloutStore(database), accounts, pauses: new CallerPauses(database) },
    planner: { plan: (id) => begun.push(id) },
  });
});

function requestOf(selection: Partial<PlanRequest["selection"]> = {}): PlanRequest {
  const { selection: _, desired, ...options } = newRollout().input;
  return {
    ...{ name: "Some", reason: "a test", ...options, desired: desired ?? {} },
    selection: { accounts: undefined, filter: {}, opUins: undefined, ...selection },
  };
}

const uins = (count: number) =>
  Array.from({ length: count }, (_, at) => String(10_000_000_000_000_000_000n + BigInt(at)) as Uin);

test.each<[what: string, selection: Partial<PlanRequest["selection"]>, code: string, message: string]>([
  ["no account", { accounts: [] }, "ROLLOUT_SELECTION", "It has no account."],
  [
    "an account that the caller may not use",
    { accounts: ["prod"] },
    "FORBIDDEN",
    "You may not use the account prod.",
  ],
  [
    "more users than a plan can have",
    { opUins: uins(MAX_USERS + 1) },
    "ROLLOUT_SELECTION",
    "It lists 100001 users. A plan can have 100000: split the list.",
  ],
])("a selection of %s is refused", async (_, selection, code, message) => {
  await expect(plans.plan(requestOf(selection), by(ANN))).rejects.toMatchObject({
    ...{ code, message: expect.stringContaining(message) },
  });
});

test("a repeated user counts once", async () => {
  const listed = uins(MAX_USERS);
  const { id, input } = await plans.plan(requestOf({ opUins: [...listed, ...listed.slice(0, 9)] }), by(ANN));
  expect(input.selection?.opUins).toEqual(listed);
  expect(input.selection?.accounts).toEqual(["default"]);
  expect(begun).toContain(id);
});

test("a paused caller plans nothing, and others do", async () => {
  await sql`
    insert into caller_pause (id, subject, issuer, users, within_ms)
    values (gen_random_uuid(), 'ben', 'test', 9, 1)`.execute(database.db);
  const known = begun.length;
  const undone = await plans.plan(requestOf(), by(ANN));
  await expect(plans.plan(requestOf(), by(BEN))).rejects.toMatchObject({ code: "CALLER_PAUSED" });
  const over = { ...undone, status: "done" as const, startedAt: new Date() };
  await expect(plans.planUndo(over, "Back", by(BEN))).rejects.toMatchObject({ code: "CALLER_PAUSED" });
  expect(begun.length).toBe(known + 1);
});

test("only a rollout that has run and ended can be undone", async () => {
  const planned = await plans.plan(requestOf(), by(ANN));
  for (const status of ["planned", "running", "expired"] as const) {
    await expect(plans.planUndo({ ...planned, status }, "Back", by(ANN))).rejects.toMatchObject({
      code: "ROLLOUT_STATUS",
    });
  }
});
