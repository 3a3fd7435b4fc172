import { expect, test } from "vitest";
import { fairShare, Schedule } from "../../src/quota/schedule.ts";

const WINDOW_MS = 1_025;
const LIMIT = 5;
const PACE_MS = WINDOW_MS / LIMIT;

/** Slots as `owner@ms`; an owner in capitals does bulk work. */
function scheduleOf(nowMs: number, slots: readonly string[], pausedUntil = 0): Schedule {
  const parts = slots.map((slot) => slot.split("@") as [string, string]);
  const names = ["us", "b", "c"];
  const latest = parts.map(([, ms]) => Number(ms));
  return new Schedule(
    {
      nowMs,
      windowMs: WINDOW_MS,
      backoff: 0,
      used: 0,
      pausedUntil,
      taken: latest.length,
      leaving: latest.slice(-LIMIT),
      latest,
      owners: parts.map(([owner]) => names.indexOf(owner.toLowerCase())),
      bulk: parts.map(([owner]) => owner === owner.toUpperCase()),
      owner: names.indexOf("us"),
    },
    LIMIT,
  );
}

test("the slots of an empty window begin now, a little apart", () => {
  const schedule = scheduleOf(500, []);
  expect([0, 1, 2].map((index) => schedule.freeMs(index))).toEqual([500, 520.5, 541]);
});

test("the slots of a full window are free whenever earlier slots leave it", () => {
  const schedule = scheduleOf(500, ["us@0", "us@100", "us@200", "us@300", "us@400"]);
  expect([0, 1, 4, 5, 12].map((index) => schedule.freeMs(index))).toEqual([
    WINDOW_MS,
    WINDOW_MS + 100,
    WINDOW_MS + 400,
    2 * WINDOW_MS,
    3 * WINDOW_MS + 200,
  ]);
});

test("no slot is free before a pause is over", () => {
  expect(scheduleOf(500, ["us@0"], 1_800).freeMs(0)).toBe(1_800);
});

test.each([
  { slots: [], forOne: 1 },
  { slots: ["us@100", "us@200"], forOne: 1 },
  { slots: ["b@100", "us@200"], forOne: 5 / 4 },
  { slots: ["b@100", "b@200", "c@300"], forOne: 5 / 2 },
])("with $slots, all replicas take $forOne slots for each of ours", ({ slots, forOne }) => {
  expect(scheduleOf(500, slots).slotsPerOwnSlot).toBeCloseTo(forOne);
});

test("with two replicas that take as many slots as possible, this replica has a third", () => {
  const slots = Array.from({ length: 15 }, (_, index) => `${index % 2 ? "b" : "c"}@${index * PACE_MS}`);
  expect(scheduleOf(15 * PACE_MS, slots).slotsPerOwnSlot).toBeCloseTo(3);
});

test.each([
  { slots: [], turnMs: 500 },
  { slots: ["US@400"], turnMs: 400 + PACE_MS * 0.9 },
  { slots: ["us@450", "b@480"], turnMs: 480 + PACE_MS * 0.9 },
  // Another replica has waited longer and goes first.
  { slots: ["B@200", "US@400"], turnMs: 400 + 2 * PACE_MS * 0.9 },
  { slots: ["US@200", "B@400"], turnMs: 400 + PACE_MS * 0.9 },
  // The other replica has had no slot for a window.
  { slots: ["B@-700", "US@400"], turnMs: 400 + PACE_MS * 0.9 },
])("after $slots, our bulk work has its turn at $turnMs", ({ slots, turnMs }) => {
  expect(scheduleOf(500, slots).bulkTurnMs).toBeCloseTo(turnMs);
});

test("if the limit is higher than the slots in the row, the forecast assumes an even pace for the rest", () => {
  const leaving = Array.from({ length: 40 }, (_, index) => index);
  const outlook = {
    ...{ nowMs: 500, windowMs: WINDOW_MS, backoff: 0, used: 100, pausedUntil: 0, taken: 100, leaving },
    ...{ latest: [99], owners: [0], bulk: [false], owner: 0 },
  };
  const schedule = new Schedule(outlook, 100);
  expect(schedule.freeMs(0)).toBe(WINDOW_MS);
  expect(schedule.freeMs(99)).toBeGreaterThan(WINDOW_MS + 500);
  expect(schedule.freeMs(99)).toBeLessThan(2 * WINDOW_MS);
  expect(schedule.freeMs(150)).toBeGreaterThan(schedule.freeMs(99));
});

test.each([
  { others: [], share: 20 },
  { others: [5], share: 15 },
  { others: [30], share: 10 },
  { others: [30, 30], share: 20 / 3 },
  { others: [2, 30], share: 9 },
  { others: [2, 3, 4], share: 11 },
  { others: [19, 1], share: 9.5 },
])("of 20, with others who want $others, the share is $share", ({ others, share }) => {
  expect(fairShare(20, others)).toBeCloseTo(share);
});
