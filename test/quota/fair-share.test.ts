import { expect, test } from "vitest";
import { CallerDemand } from "../../src/quota/caller-demand.ts";
import { fairShare } from "../../src/quota/schedule.ts";

test.each([
  { others: [], share: 20 },
  { others: [5], share: 15 },
  { others: [30], share: 10 },
  { others: [30, 30], share: 20 / 3 },
  { others: [2, 30], share: 9 },
  { others: [2, 3, 4], share: 11 },
  { others: [19, 1], share: 9.5 },
])("of 20, beside others who want $others, there are $share", ({ others, share }) => {
  expect(fairShare(20, others)).toBeCloseTo(share);
});

test("a caller alone has all, and beside callers who ask for little what they leave", () => {
  const demand = new CallerDemand();
  for (let ms = 0; ms < 2_000; ms += 100) demand.record("greedy", ms);
  expect(demand.shareOf("greedy", 0.02, 2_000)).toBe(0.02);
  for (let ms = 0; ms < 2_000; ms += 500) demand.record("modest", ms);
  expect(demand.shareOf("greedy", 0.02, 2_000)).toBeCloseTo(0.018);
  expect(demand.shareOf("modest", 0.02, 2_000)).toBeCloseTo(0.01);
  expect(demand.shareOf("nobody yet", 0.02, 2_000)).toBeCloseTo(0.009);
});

test("what a caller asked for is remembered for seconds, and then forgotten", () => {
  const demand = new CallerDemand();
  for (let ms = 0; ms < 2_000; ms += 20) demand.record("once", ms);
  demand.record("now", 3_000);
  expect(demand.shareOf("now", 0.02, 3_000)).toBeCloseTo(0.01);
  expect(demand.shareOf("now", 0.02, 9_000)).toBe(0.02);
});
