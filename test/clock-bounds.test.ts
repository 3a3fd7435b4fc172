import fc from "fast-check";
import { expect, test } from "vitest";
import { ClockBounds } from "../src/clock.ts";

/** The lead of the database's clock over this process's clock. */
const AHEAD_MS = 1_000_000;

/** A statement with the given times to the database and back, sent at a time of our clock. */
function observe(clock: ClockBounds, sentMs: number, thereMs: number, backMs: number): void {
  clock.observe(sentMs + thereMs + AHEAD_MS, sentMs, sentMs + thereMs + backMs);
}

test("one statement gives the time to within its round trip, and never too early", () => {
  const clock = new ClockBounds();
  observe(clock, 0, 3, 5);
  expect(clock.latest(AHEAD_MS + 100)).toBe(105);
  expect(clock.uncertaintyMs).toBe(8);
});

test("a statement that waits for a lock does not widen the bounds, and a quick one narrows them", () => {
  const clock = new ClockBounds();
  observe(clock, 0, 3, 5);
  observe(clock, 10, 900, 2);
  expect(clock.latest(AHEAD_MS + 1_000)).toBe(1_002);
  observe(clock, 1_000, 1, 50);
  expect(clock.uncertaintyMs).toBeLessThan(4);
  expect(clock.latest(AHEAD_MS + 1_100)).toBeLessThan(1_103);
});

test("the bounds widen with time, because clocks drift", () => {
  const clock = new ClockBounds();
  observe(clock, 0, 1, 1);
  observe(clock, 100_000, 40, 40);
  expect(clock.uncertaintyMs).toBeGreaterThan(2);
  expect(clock.uncertaintyMs).toBeLessThanOrEqual(80);
});

test.each([-5_000, 5_000])("after a clock is set by %s ms, the new time is used", (byMs) => {
  const clock = new ClockBounds();
  observe(clock, 0, 1, 1);
  clock.observe(100 + AHEAD_MS + byMs, 99, 101);
  expect(clock.latest(AHEAD_MS + byMs + 200)).toBe(201);
  expect(clock.uncertaintyMs).toBe(2);
});

const way = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 500 }));

test("the true time lies within the bounds, for any delays and drift", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), way, way), { minLength: 1, maxLength: 30 }),
      fc.constantFrom(-400e-6, 0, 400e-6),
      (statements, drift) => {
        const clock = new ClockBounds();
        let nowMs = 0;
        for (const [afterMs, thereMs, backMs] of statements) {
          const sentMs = nowMs + afterMs;
          const readMs = sentMs + thereMs;
          nowMs = readMs + backMs;
          clock.observe(AHEAD_MS + readMs * (1 + drift), sentMs, nowMs);
        }
        const latestMs = clock.latest(AHEAD_MS + nowMs * (1 + drift));
        // The bounds do not include the drift within one statement.
        expect(latestMs).toBeGreaterThan(nowMs - 0.5);
        expect(latestMs - clock.uncertaintyMs).toBeLessThan(nowMs + 0.5);
      },
    ),
  );
});
