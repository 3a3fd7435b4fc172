import { expect, test } from "vitest";
import { LocalRateBudget } from "../../src/quota/local-rate-budget.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rateRequest } from "./rate-request.ts";

test("each action and each key has a limit of its own", async () => {
  const clock = new FakeClock();
  const budget = new LocalRateBudget({ clock, ratePerSecond: 1 });
  const takeNow = (action: string, secretId: string) =>
    budget.take(rateRequest({ action, secretId, deadlineMs: 1 }));
  await takeNow("SetMfaFlag", "AKIDONE");
  await expect(takeNow("SetMfaFlag", "AKIDONE")).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED" });
  await expect(takeNow("SetMfaFlag", "AKIDTWO")).resolves.toMatchObject({ waitedMs: 0 });
  await expect(takeNow("DescribeSubAccounts", "AKIDONE")).resolves.toMatchObject({ waitedMs: 0 });
});
