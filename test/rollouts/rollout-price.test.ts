import { expect, test } from "vitest";
import { priceOf } from "../../src/rollouts/make-plan.ts";
import { policyOf } from "../auth/policy/policy-of.ts";

const lane = (account: string, users: number) => ({ account, users, ratePerSecond: 20 });

test("counts a read, a write and a later read for each user, and the time of the slowest account", () => {
  expect(priceOf([lane("a", 1_000), lane("b", 200)], 1_000, undefined)).toEqual({
    camCalls: 3_600,
    seconds: 50,
    secondsByAccount: [
      { account: "a", users: 1_000, camCalls: 3_000, seconds: 50 },
      { account: "b", users: 200, camCalls: 600, seconds: 10 },
    ],
    budgetSeconds: 0,
  });
});

test("a policy on names or tags costs two further reads of each user", () => {
  const policy = policyOf('{"rules":[{"id":"vip","effect":"deny","users":{"tags":["vip"]}}]}');
  expect(priceOf([lane("a", 100)], 100, policy)).toMatchObject({ camCalls: 500, seconds: 10 });
});

test("a small error budget lets few items be under way at once, which costs time", () => {
  const price = priceOf([lane("a", 1_000)], 0, undefined);
  expect(price).toMatchObject({ seconds: 400, budgetSeconds: 350 });
});

test("a plan that changes nobody is free", () => {
  expect(priceOf([], 0, undefined)).toEqual({
    ...{ camCalls: 0, seconds: 0, secondsByAccount: [], budgetSeconds: 0 },
  });
});
