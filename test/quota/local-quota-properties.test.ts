import fc from "fast-check";
import { expect, test } from "vitest";
import { peakPerSecond, type Schedule, schedules, simulateCalls } from "./simulate-calls.ts";

test("no second holds more arrivals than the limit, for any outcome of the calls", async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const { arrivalsMs } = await simulateCalls(schedule);
      expect(peakPerSecond(arrivalsMs)).toBeLessThanOrEqual(schedule.limit);
    }),
    { numRuns: 300 },
  );
});

test("every call gets its turn in order of arrival, and no timer remains", async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const { granted, clock } = await simulateCalls(schedule);
      expect(granted).toEqual(schedule.calls.map((_call, index) => index));
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test("a first burst that was delayed on its way does not let the next one start too early", async () => {
  // Blocked between writing and being read, as by a busy event loop: all of the first burst is counted late and
  // answered together, so that its round trips look long.
  const heldUp = {
    gapMs: 0,
    sendDelayMs: 0,
    processingMs: 150,
    workMs: 0,
    fate: "ANSWERED" as const,
  };
  const prompt = { ...heldUp, processingMs: 0 };
  const schedule: Schedule = {
    limit: 20,
    thereMs: 1,
    backMs: 1,
    calls: [...Array(20).fill(heldUp), ...Array(40).fill(prompt)],
  };
  const { arrivalsMs } = await simulateCalls(schedule);
  expect(arrivalsMs).toHaveLength(60);
  expect(peakPerSecond(arrivalsMs)).toBe(20);
});
