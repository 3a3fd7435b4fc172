import { expect, test } from "vitest";
import { systemClock } from "../src/clock.ts";

test("monotonic time does not go backwards across a sleep", async () => {
  const before = systemClock.monotonic();
  await systemClock.sleep(1);
  expect(systemClock.monotonic()).toBeGreaterThan(before);
});

test("an aborted sleep rejects with an AbortError", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort();
  await expect(sleeping).rejects.toMatchObject({ name: "AbortError" });
});
