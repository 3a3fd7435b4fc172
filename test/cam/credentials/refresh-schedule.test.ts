import { expect, test } from "vitest";
import { refreshInMs, retryInMs } from "../../../src/cam/credentials/credential-cache.ts";

const TWO_HOURS_MS = 7_200_000;

test.each([
  { leftMs: undefined, chance: 0.9, expected: 60_000, why: "a file is looked at every minute" },
  { leftMs: TWO_HOURS_MS, chance: 0, expected: 5_760_000, why: "a fifth of two hours is left" },
  { leftMs: TWO_HOURS_MS, chance: 1, expected: 5_040_000, why: "three tenths are left" },
  { leftMs: 1_000, chance: 0.5, expected: 1_000, why: "never more often than once a second" },
  { leftMs: -5, chance: 0.5, expected: 1_000, why: "a key that came too late" },
])("refreshed after $expected ms: $why", ({ leftMs, chance, expected }) => {
  expect(refreshInMs(leftMs, chance)).toBeCloseTo(expected);
});

test.each([
  { leftMs: undefined, expected: 6_000 },
  { leftMs: 600_000, expected: 60_000 },
  { leftMs: 500, expected: 1_000 },
])("with $leftMs ms left, tried again after $expected ms", ({ leftMs, expected }) => {
  expect(retryInMs(leftMs)).toBe(expected);
});
