import type { RateBudget, RateSlot } from "./rate-budget.ts";

const FREE_SLOT: RateSlot = { waitedMs: 0, sent: () => true, settle: () => undefined };

/** For calls that are too rare to need slots: STS takes 600 a second, and the gateway asks it once in an hour. */
export const unlimitedBudget: RateBudget = { take: () => Promise.resolve(FREE_SLOT) };
