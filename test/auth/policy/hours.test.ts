import { describe, expect, test } from "vitest";
import { type Hours, type HoursOfZone, hoursOf, isWithin } from "../../../src/auth/policy/hours.ts";

const at = (iso: string) => Date.parse(iso);
const day = (timeZone: string, more: Partial<HoursOfZone> = {}): Hours =>
  hoursOf({ timeZone, from: "09:00", to: "18:00", ...more });

test.each<[what: string, hours: Hours, iso: string, within: boolean]>([
  ["the first minute is within", day("UTC"), "2026-11-24T09:00:00Z", true],
  ["the second before the beginning is outside", day("UTC"), "2026-11-24T08:59:59.999Z", false],
  ["the last second is within", day("UTC"), "2026-11-24T17:59:59.999Z", true],
  ["the end is outside", day("UTC"), "2026-11-24T18:00:00Z", false],
  ["the local time of the zone decides", day("Asia/Shanghai"), "2026-11-24T01:00:00Z", true],
  ["the time in UTC does not decide", day("Asia/Shanghai"), "2026-11-24T10:00:00Z", false],
  ["a zone with an offset of half an hour begins on time", day("Asia/Kolkata"), "2026-11-24T03:30:00Z", true],
  ["a minute before that beginning is outside", day("Asia/Kolkata"), "2026-11-24T03:29:00Z", false],
  ["24:00 is the end of the day", day("UTC", { from: "00:00", to: "24:00" }), "2026-11-24T23:59:59Z", true],
  [
    "00:00 is the beginning of the day",
    day("UTC", { from: "00:00", to: "00:01" }),
    "2026-11-24T00:00:00Z",
    true,
  ],
  [
    "the weekday of the zone decides",
    day("Pacific/Auckland", { days: ["Wed"] }),
    "2026-11-24T20:00:00Z",
    true,
  ],
  [
    "the weekday in UTC does not decide",
    day("Pacific/Auckland", { days: ["Tue"] }),
    "2026-11-24T20:00:00Z",
    false,
  ],
  ["Berlin's winter time is within", day("Europe/Berlin"), "2026-01-15T08:00:00Z", true],
  ["Berlin's summer time is within", day("Europe/Berlin"), "2026-07-15T07:00:00Z", true],
  ["Berlin's summer time is outside in winter", day("Europe/Berlin"), "2026-01-15T07:00:00Z", false],
])("%s", (_what, hours, iso, within) => {
  expect(isWithin(hours, at(iso))).toBe(within);
});

describe("when the clocks are changed", () => {
  const night = day("Europe/Berlin", { from: "02:00", to: "03:00" });

  test("a skipped hour never matches", () => {
    const minutes = Array.from(
      { length: 24 * 60 },
      (_, minute) => at("2026-03-28T23:00:00Z") + minute * 60_000,
    );
    expect(minutes.filter((atMs) => isWithin(night, atMs))).toEqual([]);
  });

  test("a repeated hour matches both times", () => {
    const minutes = Array.from(
      { length: 25 * 60 },
      (_, minute) => at("2026-10-24T22:00:00Z") + minute * 60_000,
    );
    expect(minutes.filter((atMs) => isWithin(night, atMs))).toHaveLength(120);
  });

  test("nine o'clock in New York is local time, also on the Sunday of the change", () => {
    const hours = day("America/New_York", { days: ["Sun"] });
    const [before, after] = [at("2026-03-08T12:59:00Z"), at("2026-03-08T13:00:00Z")];
    expect([isWithin(hours, before), isWithin(hours, after)]).toEqual([false, true]);
  });
});
