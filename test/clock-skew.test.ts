import { expect, test } from "vitest";
import { ClockSkew } from "../src/clock.ts";
import { FakeClock } from "./support/fake-clock.ts";

const NOON_MS = Date.UTC(2026, 10, 24, 12);
const httpDate = (offsetMs: number) => new Date(NOON_MS + offsetMs).toUTCString();

test.each([
  { what: "equal clocks", header: httpDate(0), known: true, skewMs: 0 },
  {
    what: "a difference within the header's precision and a slow reply",
    header: httpDate(-4_000),
    known: true,
    skewMs: 0,
  },
  { what: "CAM ten minutes ahead", header: httpDate(600_000), known: true, skewMs: 600_000 },
  { what: "CAM ten minutes behind", header: httpDate(-600_000), known: true, skewMs: -600_000 },
  { what: "no Date", header: undefined, known: false, skewMs: 0 },
  { what: "an empty Date", header: "", known: false, skewMs: 0 },
  { what: "an invalid Date", header: "yesterday", known: false, skewMs: 0 },
])("$what: the skew is $skewMs ms", ({ header, known, skewMs }) => {
  const skew = new ClockSkew(new FakeClock(NOON_MS));
  expect(skew.learn(header)).toBe(known);
  expect(skew.skewMs).toBe(skewMs);
  expect(skew.timestampSeconds()).toBe((NOON_MS + skewMs) / 1_000);
});

test("an invalid Date keeps the skew, and a Date that agrees with the clock resets it", () => {
  const skew = new ClockSkew(new FakeClock(NOON_MS));
  skew.learn(httpDate(600_000));
  skew.learn("garbage");
  expect(skew.skewMs).toBe(600_000);
  skew.learn(httpDate(0));
  expect(skew.skewMs).toBe(0);
});

test("a timestamp is stale if it differs by five seconds from the current one, in either direction", () => {
  const skew = new ClockSkew(new FakeClock(NOON_MS));
  const noon = NOON_MS / 1_000;
  expect([-5, -4, 0, 4, 5].map((seconds) => skew.hasMovedSince(noon + seconds))).toEqual([
    true,
    false,
    false,
    false,
    true,
  ]);
});

test("the timestamp is in whole seconds and never in the future", () => {
  expect(new ClockSkew(new FakeClock(NOON_MS + 999)).timestampSeconds()).toBe(NOON_MS / 1_000);
});
