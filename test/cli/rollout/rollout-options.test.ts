import { describe, expect, test } from "vitest";
import { parseMaxFailures, parseWaves, parseWindow } from "../../../src/cli/rollout/rollout-commands.ts";

describe("the error budget", () => {
  test.each([
    ["5", { count: 5 }],
    ["0", { count: 0 }],
    ["2.5%", { percent: 2.5 }],
    ["100%", { percent: 100 }],
  ])("%s is understood", (text, expected) => {
    expect(parseMaxFailures(text)).toEqual(expected);
  });

  test.each(["", "-1", "1.5", "101%", "5 %", "5%%", "five", "9007199254740993"])("%s is refused", (text) => {
    expect(() => parseMaxFailures(text)).toThrow("Give a number of users such as 5, or a percentage");
  });
});

describe("waves", () => {
  test("are numbers of users", () => {
    expect(parseWaves("10, 100,1000")).toEqual([10, 100, 1_000]);
  });

  test.each(["", "0", "10,,100", "ten", "1.5", "-10"])("%s are refused", (text) => {
    expect(() => parseWaves(text)).toThrow("Give numbers of users such as 10,100.");
  });
});

describe("a time window", () => {
  test.each([
    ["Mon-Fri 09:00-17:00 Asia/Shanghai", ["Mon", "Tue", "Wed", "Thu", "Fri"]],
    ["Sat,Sun 09:00-17:00 Asia/Shanghai", ["Sat", "Sun"]],
    ["Mon,Wed-Fri 09:00-17:00 Asia/Shanghai", ["Mon", "Wed", "Thu", "Fri"]],
    ["09:00-17:00 Asia/Shanghai", undefined],
  ])("%s is understood", (text, days) => {
    expect(parseWindow(text)).toEqual({ days, from: "09:00", to: "17:00", timeZone: "Asia/Shanghai" });
  });

  test.each(["09:00-17:00", "9-17 UTC", "Mon-Fri 09:00-17:00", ""])("%s is refused", (text) => {
    expect(() => parseWindow(text)).toThrow("Give days, times and a time zone");
  });

  test.each(["Fri-Mon 09:00-17:00 UTC", "Monday 09:00-17:00 UTC", "Mon- 09:00-17:00 UTC"])(
    "%s is refused for its days",
    (text) => {
      expect(() => parseWindow(text)).toThrow("Give days as Mon, Tue, Wed, Thu, Fri, Sat, Sun");
    },
  );
});
