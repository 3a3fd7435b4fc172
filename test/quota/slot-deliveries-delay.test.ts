import { expect, test } from "vitest";
import { RoundTripEstimate } from "../../src/quota/slot-deliveries.ts";

const SECOND = 1_000;

function delayAfter(roundTripsMs: readonly number[], everyMs = SECOND): RoundTripEstimate {
  const delay = new RoundTripEstimate(4);
  for (const [index, roundTripMs] of roundTripsMs.entries()) delay.record(roundTripMs, index * everyMs);
  return delay;
}

test.each([
  { title: "none", roundTripsMs: [], shortestMs: 0 },
  { title: "too few", roundTripsMs: [70, 70, 70], shortestMs: 0 },
  { title: "enough", roundTripsMs: [70, 70, 70, 70], shortestMs: 70 },
  { title: "four that vary: their mean is 30 ms longer", roundTripsMs: [60, 90, 100, 110], shortestMs: 45 },
  { title: "four that vary too much", roundTripsMs: [5, 200, 200, 200], shortestMs: 0 },
])("$title: of round trips of $roundTripsMs, $shortestMs ms is used", ({ roundTripsMs, shortestMs }) => {
  expect(delayAfter(roundTripsMs).shortestMs).toBe(shortestMs);
});

test("the more round trips there are, the closer the estimate is to the shortest one", () => {
  const varying = Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? 60 : 100));
  expect(delayAfter(varying, 20).shortestMs).toBe(59);
});

test("the calls of one moment are not typical, because one stall may have delayed all of them", () => {
  const delay = delayAfter(
    Array.from({ length: 50 }, () => 900),
    20,
  );
  expect(delay.shortestMs).toBe(0);
  delay.record(70, 3_500);
  expect(delay.shortestMs).toBeLessThanOrEqual(70);
});

test("a path that became longer is used after a minute at the latest", () => {
  const path = [...Array.from({ length: 40 }, () => 20), ...Array.from({ length: 60 }, () => 70)];
  expect(delayAfter(path).shortestMs).toBe(70);
});
