import { type CamErrorCode, describeCamError } from "../contract/index.ts";

/**
 * The effect of a failed attempt on its item and on the lane.
 * - failed: the item ends, and counts against the error budget.
 * - blocked, changed_since: the item ends. It does not count against the budget, because the gateway wrote nothing to
 *   CAM.
 * - OPEN: a trigger settles the item when the outcome of its change is recorded.
 * - AGAIN: another change of the user is in progress. The lane tries the item again soon.
 * - LANE: the fault affects every user of the account. The lane pauses, then tries the item again.
 * - ROLLOUT: the bulk guard paused the caller who started or approved the rollout. The rollout pauses.
 */
type FailureEffect = "failed" | "blocked" | "changed_since" | "OPEN" | "AGAIN" | "LANE" | "ROLLOUT";

const BY_CODE: Readonly<Partial<Record<CamErrorCode, FailureEffect>>> = {
  FORBIDDEN: "blocked",
  PROTECTED_USER: "blocked",
  REASON_REQUIRED: "blocked",
  MFA_METHOD_NOT_WRITABLE: "blocked",
  UNKNOWN_ACCOUNT: "blocked",
  PLAN_CHANGED: "changed_since",
  OUTCOME_UNKNOWN: "OPEN",
  CHANGE_IN_PROGRESS: "AGAIN",
  CALLER_PAUSED: "ROLLOUT",
  CAM_TIMEOUT: "LANE",
  CAM_UNREACHABLE: "LANE",
  CAM_UNAVAILABLE: "LANE",
  CAM_CIRCUIT_OPEN: "LANE",
  CAM_RESOURCE_INSUFFICIENT: "LANE",
  CAM_RESOURCE_UNAVAILABLE: "LANE",
};

/** Categories of faults that affect every user of the account: limits, the database, and the gateway's key. */
const LANE_CATEGORIES: ReadonlySet<string> = new Set(["THROTTLED", "UNAVAILABLE", "MISCONFIGURED"]);

/** Returns the effect of an attempt that ended with a code. Undefined: the error was unexpected. */
export function effectOfFailure(code: CamErrorCode | undefined): FailureEffect {
  if (code === undefined) return "failed";
  return BY_CODE[code] ?? (LANE_CATEGORIES.has(describeCamError(code).category) ? "LANE" : "failed");
}
