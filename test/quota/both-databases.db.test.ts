import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { slotRequest } from "./slot-request.ts";

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  test("calls get slots, the call behind a full window after a second, and the quotas show it", async () => {
    const database = await openTestDatabase(kind);
    const windows = new SharedWindows({ database, clock: systemClock, replica: "r1" });
    onTestFinished(() => windows.close());
    const quota = new SharedQuota({ windows, ratePerSecond: 3 });
    const deadlineMs = systemClock.monotonic() + 20_000;
    const take = (caller: string) => quota.take(slotRequest({ caller, deadlineMs }));
    const slots = await Promise.all(["a", "b", "c", "d"].map(take));
    expect(slots.at(-1)?.waitedMs).toBeGreaterThan(1_000);
    await expect(quota.usage()).resolves.toMatchObject([
      { action: "SetMfaFlag", ratePerSecond: 3, queued: 0, throttledRecently: false, shared: true },
    ]);
    slots.at(-1)?.tryBegin();
    slots.at(-1)?.settle("THROTTLED");
    await take("e");
    await expect(quota.usage()).resolves.toMatchObject([{ throttledRecently: true }]);
  });
});
