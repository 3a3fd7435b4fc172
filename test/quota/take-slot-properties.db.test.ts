import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SlotStore } from "../../src/quota/slot-store.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { openFakeTimeDatabase } from "./fake-database-time.ts";

const WINDOW_MS = 1_025;
/** The precision of a double for milliseconds since 1970: a quarter of a microsecond. */
const GRAIN_MS = 0.01;

/** The shortest time in which one call more than the limit started. */
function shortestOverrun(slotsMs: readonly number[], ratePerSecond: number): number {
  const sorted = slotsMs.toSorted((a, b) => a - b);
  return Math.min(...sorted.slice(ratePerSecond).map((slotMs, index) => slotMs - (sorted[index] ?? 0)));
}

test("replicas that ask at the same time fill every window up to the limit, and not beyond", async () => {
  const ratePerSecond = 20;
  const url = await createTestPostgres();
  const replicas = await Promise.all(
    ["r1", "r2", "r3", "r4"].map(async (replica) => {
      const store = new SlotStore({ database: await openTestPostgres(url), clock: systemClock });
      return { replica, store };
    }),
  );
  const key = { secretId: "AKIDTEST", action: "SetMfaFlag" };
  const takes = replicas.flatMap(({ replica, store }) =>
    Array.from({ length: 40 }, () =>
      store.take(key, {
        replica,
        ratePerSecond,
        bulk: false,
        withinMs: 60_000,
        adjustments: [],
        wantsOutlook: false,
      }),
    ),
  );
  const answers = await Promise.all(takes);
  const slots = answers.map(({ slotMs }) => slotMs);
  expect(answers.every(({ granted }) => granted)).toBe(true);
  expect(new Set(slots).size).toBe(160);
  expect(shortestOverrun(slots, ratePerSecond)).toBeGreaterThan(WINDOW_MS - GRAIN_MS);
  // The slots of eight windows. The last window need not be over.
  expect(Math.max(...slots) - Math.min(...slots)).toBeLessThan(8 * WINDOW_MS);
});

interface Step {
  readonly afterMs: number;
  readonly replica: string;
  readonly bulk: boolean;
  readonly withinMs: number;
  /** The use of the slot: its call comes with a delay, or never. */
  readonly lateMs: number | "UNUSED";
}

const step: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 })),
  replica: fc.constantFrom("r1", "r2", "r3"),
  bulk: fc.boolean(),
  withinMs: fc.constantFrom(0, 100, 3_000),
  lateMs: fc.oneof(
    { arbitrary: fc.constant(0), weight: 4 },
    fc.integer({ min: 1, max: 900 }),
    fc.constant("UNUSED" as const),
  ),
});

test("no window holds more calls than the limit, even if replicas use slots late or give them up", async () => {
  const fake = await openFakeTimeDatabase("postgres");
  const store = new SlotStore({ database: fake.database, clock: systemClock });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 40 }),
      async (ratePerSecond, steps) => {
        const key = { secretId: "AKIDTEST", action: `Action${runs++}` };
        const calls: number[] = [];
        let nowMs = 0;
        for (const { afterMs, lateMs, ...question } of steps) {
          nowMs += afterMs;
          await fake.setTime(nowMs);
          const taken = await store.take(key, {
            ...question,
            ratePerSecond,
            adjustments: [],
            wantsOutlook: false,
          });
          if (!taken.granted) continue;
          const toMs = lateMs === "UNUSED" ? undefined : taken.slotMs + lateMs;
          if (toMs !== undefined) calls.push(toMs);
          if (lateMs !== 0) {
            const adjustment = { slotMs: taken.slotMs, toMs };
            await store.take(key, {
              ...question,
              ratePerSecond,
              withinMs: -1,
              adjustments: [adjustment],
              wantsOutlook: false,
            });
          }
        }
        expect(shortestOverrun(calls, ratePerSecond)).toBeGreaterThan(WINDOW_MS - GRAIN_MS);
      },
    ),
    { numRuns: 60 },
  );
});
