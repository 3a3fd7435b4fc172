import { describe, expect, test } from "vitest";
import { type Hours, type HoursOfZone, hoursOf, isWithin } from "../../../src/auth/policy/hours.ts";

const at = (iso: string) => Date.parse(iso);
const day = (timeZone: string, more: Partial<HoursOfZone> = {}): Hours =>
  hoursOf({ timeZone, from: "09:00", to: "18:00", ...more });

test.each<[what: string, hours: Hours, iso: string, within: boolean]>([
  ["the first minute counts", day("UTC"), "2026-11-24T09:00:00Z", true],
  ["the second before does not", day("UTC"), "2026-11-24T08:59:59.999Z", false],
  ["the last second counts", day("UTC"), "2026-11-24T17:59:59.999Z", true],
  ["the end does not", day("UTC"), "2026-11-24T18:00:00Z", false],
  ["the clocks of the zone count", day("Asia/Shanghai"), "2026-11-24T01:00:00Z", true],
  ["and not those of UTC", day("Asia/Shanghai"), "2026-11-24T10:00:00Z", false],
  ["a zone of half an hour", day("Asia/Kolkata"), "2026-11-24T03:30:00Z", true],
  ["and a minute earlier", day("Asia/Kolkata"), "2026-11-24T03:29:00Z", false],
  ["the whole day ends with it", day("UTC", { from: "00:00", to: "24:00" }), "2026-11-24T23:59:59Z", true],
  ["and midnight begins the next", day("UTC", { from: "00:00", to: "00:01" }), "2026-11-24T00:00:00Z", true],
  ["the weekday is the zone's", day("Pacific/Auckland", { days: ["Wed"] }), "2026-11-24T20:00:00Z", true],
  ["and not that of UTC", day("Pacific/Auckland", { days: ["Tue"] }), "2026-11-24T20:00:00Z", false],
  ["winter time of Berlin", day("Europe/Berlin"), "2026-01-15T08:00:00Z", true],
  ["summer time of Berlin", day("Europe/Berlin"), "2026-07-15T07:00:00Z", true],
  ["an hour earlier in winter", day("Europe/Berlin"), "2026-01-15T07:00:00Z", false],
])("%s", (_what, hours, iso, within) => {
  expect(isWithin(hours, at(iso))).toBe(within);
});

describe("when the clocks are changed", () => {
  const night = day("Europe/Berlin", { from: "02:00", to: "03:00" });

  test("an hour that is left out does not come", () => {
    const minutes = Array.from(
      { length: 24 * 60 },
      (_, minute) => at("2026-03-28T23:00:00Z") + minute * 60_000,
    );
    expect(minutes.filter((atMs) => isWithin(night, atMs))).toEqual([]);
  });

  test("an hour that comes twice counts twice", () => {
    const minutes = Array.from(
      { length: 25 * 60 },
      (_, minute) => at("2026-10-24T22:00:00Z") + minute * 60_000,
    );
    expect(minutes.filter((atMs) => isWithin(night, atMs))).toHaveLength(120);
  });

  test("nine in New York is nine by its clocks, the Sunday of the change too", () => {
    const hours = day("America/New_York", { days: ["Sun"] });
    const [before, after] = [at("2026-03-08T12:59:00Z"), at("2026-03-08T13:00:00Z")];
    expect([isWithin(hours, before), isWithin(hours, after)]).toEqual([false, true]);
  });
});
