import type { Policy } from "../auth/policy/policy.ts";
import type { RolloutPrice } from "./rollout.ts";

/** Calls for each user: the read and the write of the change, and the read after the run. */
const CALLS_A_USER = 3;
/** Further calls for each user if the policy has rules on names or tags: the profile, twice. */
const PROFILE_READS = 2;
/** The estimated time of one item, from its start to its outcome: two calls to CAM, and the record. */
const ITEM_SECONDS = 0.4;

interface PricedLane {
  readonly account: string;
  readonly users: number;
  /** CAM limits each action separately, so an account changes `ratePerSecond` users a second. */
  readonly ratePerSecond: number;
}

/** Returns the price of changing users, before holds of waves and times outside the window. */
export function priceOf(
  lanes: readonly PricedLane[],
  maxFailures: number,
  policy: Policy | undefined,
): RolloutPrice {
  const profileReads = policy !== undefined && dependsOnProfiles(policy) ? PROFILE_READS : 0;
  const secondsByAccount = lanes.map(({ account, users, ratePerSecond }) => ({
    ...{ account, users, camCalls: users * (CALLS_A_USER + profileReads) },
    seconds: Math.ceil((users * Math.max(1, profileReads)) / ratePerSecond),
  }));
  const users = lanes.reduce((sum, lane) => sum + lane.users, 0);
  const slowest = Math.max(0, ...secondsByAccount.map(({ seconds }) => seconds));
  // Over all accounts, the number of open items is at most the budget plus one.
  const byBudget = Math.ceil((users * ITEM_SECONDS) / Math.min(users || 1, maxFailures + 1));
  return {
    camCalls: secondsByAccount.reduce((sum, { camCalls }) => sum + camCalls, 0),
    seconds: Math.max(slowest, byBudget),
    secondsByAccount,
    budgetSeconds: Math.max(0, byBudget - slowest),
  };
}

function dependsOnProfiles({ rules }: Policy): boolean {
  return rules.some(({ users }) => users?.names !== undefined || users?.tags !== undefined);
}
