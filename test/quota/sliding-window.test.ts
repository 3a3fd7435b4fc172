import { expect, test } from "vitest";
import { SlidingWindow } from "../../src/quota/sliding-window.ts";

const WINDOW_MS = 1_000;

/** A window of three with calls that arrive by these times. */
function windowWith(...arrivesByMs: number[]): SlidingWindow {
  const window = new SlidingWindow(3, WINDOW_MS);
  for (const byMs of arrivesByMs) window.add(byMs);
  return window;
}

test.each([
  { held: [], nowMs: 0, free: 3 },
  { held: [0], nowMs: 0, free: 2 },
  { held: [0, 0, 0], nowMs: 999, free: 0 },
  { held: [0, 10, 20], nowMs: 1_000, free: 1 },
  { held: [0, 10, 20], nowMs: 1_020, free: 3 },
  { held: [5_000, 5_000], nowMs: 3_000, free: 1 },
])("with calls that arrive by $held, $free calls may go at $nowMs", ({ held, nowMs, free }) => {
  const window = windowWith(...held);
  expect(window.free(nowMs)).toBe(free);
  expect(window.used(nowMs)).toBe(3 - free);
});

test.each([
  { held: [], nowMs: 500, ahead: 0, atMs: 500 },
  { held: [], nowMs: 500, ahead: 2, atMs: 500 },
  { held: [], nowMs: 500, ahead: 3, atMs: 1_500 },
  { held: [], nowMs: 500, ahead: 9, atMs: 3_500 },
  { held: [0, 10, 20], nowMs: 500, ahead: 0, atMs: 1_000 },
  { held: [20, 0, 10], nowMs: 500, ahead: 1, atMs: 1_010 },
  { held: [0, 10, 20], nowMs: 500, ahead: 2, atMs: 1_020 },
  { held: [0, 10, 20], nowMs: 500, ahead: 3, atMs: 2_000 },
  { held: [0, 10, 20], nowMs: 500, ahead: 8, atMs: 3_020 },
  { held: [100], nowMs: 500, ahead: 2, atMs: 1_100 },
  { held: [100], nowMs: 500, ahead: 3, atMs: 1_500 },
])("with $held held, the call behind $ahead others goes at $atMs", ({ held, nowMs, ahead, atMs }) => {
  expect(windowWith(...held).estimateMs(nowMs, ahead)).toBe(atMs);
});

test("a call in flight is estimated as if it arrived now", () => {
  expect(windowWith(9_000, 9_000, 9_000).estimateMs(500, 0)).toBe(1_500);
});

test("a removed call frees its place, and a second removal changes nothing", () => {
  const window = windowWith(0, 0);
  const call = window.add(0);
  window.remove(call);
  window.remove(call);
  expect(window.free(0)).toBe(1);
});

test("the next change is when the earliest call leaves", () => {
  expect(windowWith().nextExitMs()).toBeUndefined();
  expect(windowWith(30, 10, 9_000).nextExitMs()).toBe(1_010);
});

test("an earlier bound lets a call leave sooner, and a later bound changes nothing", () => {
  const window = windowWith(9_000, 9_000);
  const call = window.add(9_000);
  expect(window.free(500)).toBe(0);
  window.moveEarlier(call, 100);
  window.moveEarlier(call, 5_000);
  expect(window.free(1_099)).toBe(0);
  expect(window.free(1_100)).toBe(1);
});
