import { expect, test } from "vitest";
import { DeliveryDelay } from "../../src/quota/delivery-delay.ts";

test.each([
  { roundTripsMs: [], shortestMs: 0 },
  { roundTripsMs: [80, 70], shortestMs: 0 },
  { roundTripsMs: [80, 70, 90], shortestMs: 70 },
  { roundTripsMs: [5, 80, 70, 90], shortestMs: 70 },
  { roundTripsMs: [80, 70, 90, 5], shortestMs: 5 },
  { roundTripsMs: [5, 5, 70, 80], shortestMs: 5 },
  { roundTripsMs: [5, 70, 80, 60, 90, 100], shortestMs: 60 },
])("of the round trips $roundTripsMs, $shortestMs ms is used if three are needed", (row) => {
  const delay = new DeliveryDelay(3);
  for (const roundTripMs of row.roundTripsMs) delay.record(roundTripMs);
  expect(delay.shortestMs).toBe(row.shortestMs);
});
