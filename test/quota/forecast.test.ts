import { expect, test } from "vitest";
import { CallerDemand } from "../../src/quota/forecast.ts";

test("a single caller has the whole rate; with modest callers it has the rest", () => {
  const demand = new CallerDemand();
  for (let ms = 0; ms < 2_000; ms += 100) demand.record("greedy", ms);
  expect(demand.shareOf("greedy", 0.02, 2_000)).toBe(0.02);
  for (let ms = 0; ms < 2_000; ms += 500) demand.record("modest", ms);
  expect(demand.shareOf("greedy", 0.02, 2_000)).toBeCloseTo(0.018);
  expect(demand.shareOf("modest", 0.02, 2_000)).toBeCloseTo(0.01);
  expect(demand.shareOf("nobody yet", 0.02, 2_000)).toBeCloseTo(0.009);
});

test("the demand of a caller counts for a few seconds", () => {
  const demand = new CallerDemand();
  for (let ms = 0; ms < 2_000; ms += 20) demand.record("once", ms);
  demand.record("now", 3_000);
  expect(demand.shareOf("now", 0.02, 3_000)).toBeCloseTo(0.01);
  expect(demand.shareOf("now", 0.02, 9_000)).toBe(0.02);
});
