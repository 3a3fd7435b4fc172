import { assert, constantFrom, property, string } from "fast-check";
import { expect, test } from "vitest";
import { matchesGlob } from "../../../src/auth/policy/patterns.ts";

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
])("%j and %j: %s", (pattern, text, matches) => {
  expect(matchesGlob(pattern, text)).toBe(matches);
});

test("it matches what the same regular expression matches", () => {
  const few = () => string({ unit: constantFrom("a", "b", "*"), maxLength: 8 });
  assert(
    property(few(), string({ unit: constantFrom("a", "b"), maxLength: 10 }), (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "s");
      return matchesGlob(pattern, text) === expression.test(text);
    }),
    { numRuns: 5_000 },
  );
});

test("a pattern of many stars costs no more than its text is long times their number", () => {
  const text = "a".repeat(10_000);
  expect(matchesGlob(`${"*a".repeat(200)}*b`, text)).toBe(false);
});
