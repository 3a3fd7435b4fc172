import { type CamErrorCode, describeCamError } from "../contract/index.ts";

/**
 * What a failed attempt means for its item, and for the items after it.
 * - failed: the item ends, and spends the error budget.
 * - blocked, changed_since: the item ends. It spends no budget, because the gateway sent nothing.
 * - OPEN: the record settles the item when the outcome of its change is known.
 * - AGAIN: another change of the user is under way. The item is tried again soon.
 * - LANE: the fault concerns every user of the account. The lane pauses, and the item is tried again.
 * - ROLLOUT: the bulk guard paused one of the two people. The rollout pauses.
 */
type ItemFate = "failed" | "blocked" | "changed_since" | "OPEN" | "AGAIN" | "LANE" | "ROLLOUT";

const BY_CODE: Readonly<Partial<Record<CamErrorCode, ItemFate>>> = {
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

/** Categories of faults that no user of the account escapes: limits, the database, and the gateway's key. */
const OF_THE_LANE: ReadonlySet<string> = new Set(["THROTTLED", "UNAVAILABLE", "MISCONFIGURED"]);

/** Returns what follows from the code with which an attempt ended. Without a code, the error was unexpected. */
export function fateOf(code: CamErrorCode | undefined): ItemFate {
  if (code === undefined) return "failed";
  return BY_CODE[code] ?? (OF_THE_LANE.has(describeCamError(code).category) ? "LANE" : "failed");
}
