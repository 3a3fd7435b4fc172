import { assert, constantFrom, property, string } from "fast-check";
import { expect, test } from "vitest";
import { isInAnyRange } from "../../../src/auth/policy/decide-access.ts";
import { matchesGlob, parseUinRange } from "../../../src/auth/policy/policy.ts";
import { uin } from "../../support/start-change-service.ts";

test.each([
  ["a", "a", true],
  ["a", "A", false],
  ["a", "aa", false],
  ["*", "", true],
  ["*", "anything\nat all", true],
  ["a*", "a", true],
  ["*a", "ba", true],
  ["a*a", "a", false],
  ["a*a", "aa", true],
  ["ab*ba", "aba", false],
  ["*b*", "abc", true],
  ["*ab*ab", "xab", false],
  ["**", "", true],
  ["a.c", "abc", false],
  ["a?c", "abc", false],
  ["[ab]", "a", false],
  ["(a+)+$*", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", false],
  ["", "", true],
])("matchesGlob(%j, %j) is %s", (pattern, text, matches) => {
  expect(matchesGlob(pattern, text)).toBe(matches);
});

test("matchesGlob agrees with the equivalent regular expression", () => {
  const few = () => string({ unit: constantFrom("a", "b", "*"), maxLength: 8 });
  assert(
    property(few(), string({ unit: constantFrom("a", "b"), maxLength: 10 }), (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "s");
      return matchesGlob(pattern, text) === expression.test(text);
    }),
    { numRuns: 5_000 },
  );
});

test("a pattern costs at most the length of the text times the number of stars", () => {
  const text = "a".repeat(10_000);
  expect(matchesGlob(`${"*a".repeat(200)}*b`, text)).toBe(false);
});

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
])("%j is not a range", (text) => {
  expect(parseUinRange(text)).toBeUndefined();
});

test("a range includes both ends, and an empty list of ranges includes no Uin", () => {
  const range = { from: 5n, to: 7n };
  const within = ["4", "5", "6", "7", "8"].filter((text) => isInAnyRange([range], uin(text)));
  expect(within).toEqual(["5", "6", "7"]);
  expect(isInAnyRange([], uin("5"))).toBe(false);
});
