import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SharedRateBudget, SharedWindows } from "../../src/quota/shared-rate-budget.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { rateRequest } from "./rate-request.ts";

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  test("calls get slots, the call behind a full window after a second, and the quotas show it", async () => {
    const database = await openTestDatabase(kind);
    const windows = new SharedWindows({ database, clock: systemClock, replica: "r1" });
    onTestFinished(() => windows.close());
    const budget = new SharedRateBudget({ windows, ratePerSecond: 3 });
    const deadlineMs = systemClock.monotonic() + 20_000;
    const take = (caller: string) => budget.take(rateRequest({ caller, deadlineMs }));
    const slots = await Promise.all(["a", "b", "c", "d"].map(take));
    expect(slots.at(-1)?.waitedMs).toBeGreaterThan(1_000);
    await expect(budget.quotas()).resolves.toMatchObject([
      { action: "SetMfaFlag", ratePerSecond: 3, queued: 0, throttledRecently: false, shared: true },
    ]);
    slots.at(-1)?.sent();
    slots.at(-1)?.settle("THROTTLED");
    await take("e");
    await expect(budget.quotas()).resolves.toMatchObject([{ throttledRecently: true }]);
  });
});
