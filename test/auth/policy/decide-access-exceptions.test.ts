import { expect, test } from "vitest";
import { exceptionOf, exceptionsAt } from "../../../src/auth/policy/decide-access.ts";
import { parsePolicy } from "../../../src/auth/policy/policy-file.ts";
import type { Uin } from "../../../src/contract/index.ts";
import { policyOf } from "./policy-of.ts";

const ROBOTS = { users: { names: ["robot-*"], uins: ["100-199"] }, reason: "No device", until: "2026-12-31" };
const policy = policyOf(JSON.stringify({ rules: [], exceptions: [{ ...ROBOTS, accounts: ["prod-*"] }] }));
const all = exceptionsAt(policy, Date.parse("2026-01-01"));

test.each([
  ["by the name", { account: "prod-1", opUin: "1", name: "robot-7" }, true],
  ["by the Uin, with any name", { account: "prod-1", opUin: "150", name: undefined }, true],
  ["not in another account", { account: "test", opUin: "150", name: "robot-7" }, false],
  ["not by a name that is not known", { account: "prod-1", opUin: "1", name: null }, false],
  ["not by another name", { account: "prod-1", opUin: "1", name: "ann" }, false],
])("an exception excuses %s", (_, user, isExcused) => {
  expect(exceptionOf(all, { ...user, opUin: user.opUin as Uin }) !== undefined).toBe(isExcused);
});

test("an exception ends by itself at the end of its last day", () => {
  expect(exceptionsAt(policy, Date.parse("2026-12-31T23:59:59.999Z"))).toHaveLength(1);
  expect(exceptionsAt(policy, Date.parse("2027-01-01T00:00:00.000Z"))).toEqual([]);
});

test.each([
  ["no users", { ...ROBOTS, users: {} }, "must have uins or names"],
  [
    "tags",
    { ...ROBOTS, users: { names: ["x"], tags: ["x"] } },
    "must not have tags, which means nothing here",
  ],
  [
    "a day that does not exist",
    { ...ROBOTS, until: "2026-02-30" },
    "must be a date in quotes, as in 2026-12-31",
  ],
  ["a time", { ...ROBOTS, until: "2026-12-31T10:00:00Z" }, "must be a date in quotes, as in 2026-12-31"],
  ["no end", { ...ROBOTS, until: undefined }, "until must be a date in quotes, as in 2026-12-31"],
  ["an empty reason", { ...ROBOTS, reason: " " }, "must be a line of 1 to 200 printable characters"],
])("a policy refuses an exception with %s", (_, exception, problem) => {
  const parsed = parsePolicy(JSON.stringify({ rules: [], exceptions: [exception] }));
  expect(parsed).toEqual({ problems: [expect.stringContaining(problem)] });
});
