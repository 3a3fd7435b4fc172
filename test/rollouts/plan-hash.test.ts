import { expect, test } from "vitest";
import type { Uin } from "../../src/contract/index.ts";
import { PlanHash, termsOf } from "../../src/rollouts/plan-hash.ts";
import type { PlannedItem, RolloutInput } from "../../src/rollouts/rollout.ts";

const OFF = {
  ...{ phone: false, token: false, stoken: false, wechat: false, custom: false, mail: false },
  ...{ u2fToken: false, passkey: undefined },
};
const ITEM: PlannedItem = {
  ...{ item: 1, account: "default", opUin: "100001" as Uin, name: "ann", state: "will_change", wave: 1 },
  before: { login: OFF, action: OFF, asOf: "2026-01-01T00:00:00Z" },
  sent: { login: { phone: true, stoken: false, wechat: false } },
};
const INPUT: RolloutInput = {
  selection: { accounts: ["default"], filter: {}, opUins: undefined },
  desired: { login: { phone: true } },
  ...{ maxFailures: { count: 0 }, waves: [], window: undefined, includeAtRisk: false },
};

function hashOf(items: readonly PlannedItem[], more: Partial<RolloutInput> = {}, plan: object = {}): string {
  const hash = new PlanHash();
  for (const item of items) hash.add(item);
  const input = { ...INPUT, ...more };
  return hash.end(termsOf({ policyHash: "p", undoOf: undefined, input, maxFailures: 0, ...plan }));
}

const FIRST = hashOf([ITEM]);

test("the hash is the same for a plan that was read back from the database", () => {
  const stored = JSON.parse(JSON.stringify([ITEM, INPUT])) as [PlannedItem, RolloutInput];
  expect(hashOf([stored[0]], stored[1])).toBe(FIRST);
  expect(FIRST).toMatch(/^[0-9a-f]{64}$/);
});

test.each<[what: string, hash: string]>([
  ["a user", hashOf([{ ...ITEM, opUin: "100002" as Uin }])],
  ["an account", hashOf([{ ...ITEM, account: "other" }])],
  ["a state", hashOf([{ ...ITEM, state: "at_risk" }])],
  ["a wave", hashOf([{ ...ITEM, wave: 2 }])],
  ["a flag set", hashOf([{ ...ITEM, sent: { action: { phone: true, stoken: false, wechat: false } } }])],
  ["a before-image", hashOf([{ ...ITEM, before: { login: { ...OFF, mail: true }, action: OFF, asOf: "" } }])],
  [
    "an unreported method",
    hashOf([{ ...ITEM, before: { login: { ...OFF, mail: undefined }, action: OFF, asOf: "" } }]),
  ],
  ["the number of users", hashOf([ITEM, { ...ITEM, item: 2, opUin: "100002" as Uin }])],
  ["the waves", hashOf([ITEM], { waves: [{ users: 10, holdHours: 0, waitForRelease: true }] })],
  [
    "the window",
    hashOf([ITEM], { window: { timeZone: "UTC", days: undefined, from: "09:00", to: "10:00" } }),
  ],
  ["users at risk", hashOf([ITEM], { includeAtRisk: true })],
  ["the wanted protections", hashOf([ITEM], { desired: { login: { phone: true, stoken: true } } })],
  ["the error budget", hashOf([ITEM], {}, { maxFailures: 1 })],
  ["the policy", hashOf([ITEM], {}, { policyHash: "q" })],
  ["the undone rollout", hashOf([ITEM], {}, { undoOf: "r" })],
])("another hash shows another plan: %s", (_, hash) => {
  expect(hash).not.toBe(FIRST);
});

test("the order of users changes the hash, and texts for people do not", () => {
  const other = { ...ITEM, item: 2, opUin: "100002" as Uin };
  expect(hashOf([ITEM, other])).not.toBe(
    hashOf([
      { ...other, item: 1 },
      { ...ITEM, item: 2 },
    ]),
  );
  expect(hashOf([{ ...ITEM, name: "renamed", why: "words" }])).toBe(FIRST);
});
