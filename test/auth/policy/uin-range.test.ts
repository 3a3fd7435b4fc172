import { expect, test } from "vitest";
import { isInSome, parseUinRange } from "../../../src/auth/policy/patterns.ts";
import { uin } from "../../support/start-change-service.ts";

const MAX = 18446744073709551615n;

test.each<[string, bigint, bigint]>([
  ["1", 1n, 1n],
  ["18446744073709551615", MAX, MAX],
  ["1-18446744073709551615", 1n, MAX],
  ["7-7", 7n, 7n],
])("%s is a range", (text, from, to) => {
  expect(parseUinRange(text)).toEqual({ from, to });
});

test.each([
  "",
  "0",
  "-",
  "1-",
  "-1",
  "1-0",
  "2-1",
  "1-2-3",
  "01",
  "1 - 2",
  " 1",
  "1.5",
  "0x1",
  "1e3",
  "*",
  "18446744073709551616",
  "1-18446744073709551616",
  "１",
])("%j is none", (text) => {
  expect(parseUinRange(text)).toBeUndefined();
});

test("both ends belong to it, and nobody to none", () => {
  const range = { from: 5n, to: 7n };
  const within = ["4", "5", "6", "7", "8"].filter((text) => isInSome([range], uin(text)));
  expect(within).toEqual(["5", "6", "7"]);
  expect(isInSome([], uin("5"))).toBe(false);
});
