import { expect, test } from "vitest";
import { Schedule } from "../../src/quota/schedule.ts";

const WINDOW_MS = 1_025;
const LIMIT = 5;
const PACE_MS = WINDOW_MS / LIMIT;

/** Slots as `owner@ms`; an owner in capitals does bulk work. */
function scheduleOf(
  nowMs: number,
  slots: readonly string[],
  more: { pausedUntilMs?: number } = {},
): Schedule {
  const parts = slots.map((slot) => slot.split("@") as [string, string]);
  const state = {
    nowMs,
    windowMs: WINDOW_MS,
    widened: 0,
    pausedUntilMs: 0,
    slots: parts.map(([, ms]) => Number(ms)),
    owners: parts.map(([owner]) => owner.toLowerCase()),
    bulk: parts.map(([owner]) => owner === owner.toUpperCase()),
    ...more,
  };
  return new Schedule(state, LIMIT, "us");
}

test("an empty window is free at once, and then a little apart", () => {
  const schedule = scheduleOf(500, []);
  expect([0, 1, 2].map((index) => schedule.freeMs(index))).toEqual([500, 520.5, 541]);
});

test("a full window is free when its slots leave it, again and again", () => {
  const schedule = scheduleOf(500, ["us@0", "us@100", "us@200", "us@300", "us@400"]);
  expect([0, 1, 4, 5, 12].map((index) => schedule.freeMs(index))).toEqual([
    WINDOW_MS,
    WINDOW_MS + 100,
    WINDOW_MS + 400,
    2 * WINDOW_MS,
    3 * WINDOW_MS + 200,
  ]);
});

test("nothing is free before a pause is over", () => {
  expect(scheduleOf(500, ["us@0"], { pausedUntilMs: 1_800 }).freeMs(0)).toBe(1_800);
});

test.each([
  { slots: [], forOne: 1 },
  { slots: ["us@100", "us@200"], forOne: 1 },
  { slots: ["b@100", "us@200"], forOne: 10 / 9 },
  { slots: ["b@100", "b@200", "c@300"], forOne: 10 / 7 },
])("beside $slots, $forOne slots go for one of ours", ({ slots, forOne }) => {
  expect(scheduleOf(500, slots).slotsForOneOfOurs).toBeCloseTo(forOne);
});

test("beside two who take all they can get we have a third", () => {
  const slots = Array.from({ length: 15 }, (_, index) => `${index % 2 ? "b" : "c"}@${index * PACE_MS}`);
  expect(scheduleOf(15 * PACE_MS, slots).slotsForOneOfOurs).toBeCloseTo(3);
});

test.each([
  { slots: [], turnMs: 500 },
  { slots: ["US@400"], turnMs: 400 + PACE_MS * 0.9 },
  { slots: ["us@450", "b@480"], turnMs: 480 + PACE_MS * 0.9 },
  // Another replica has waited longer, and goes first.
  { slots: ["B@200", "US@400"], turnMs: 400 + 2 * PACE_MS * 0.9 },
  { slots: ["US@200", "B@400"], turnMs: 400 + PACE_MS * 0.9 },
  // It has not been seen for a window.
  { slots: ["B@-700", "US@400"], turnMs: 400 + PACE_MS * 0.9 },
])("after $slots, our bulk work has its turn at $turnMs", ({ slots, turnMs }) => {
  expect(scheduleOf(500, slots).bulkTurnMs).toBeCloseTo(turnMs);
});

test("used are the slots of the window that ends now, and none ahead", () => {
  expect(scheduleOf(1_500, ["us@400", "b@600", "us@1500", "b@1600"]).used).toBe(2);
});
