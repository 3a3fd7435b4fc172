import { type CamError, isServiceFault, isThrottle, mayHaveBeenApplied } from "../errors/cam-error.ts";

export interface RetryQuestion {
  readonly access: "read" | "write";
  readonly error: CamError;
  /** The number of the failed attempt. The first is 1. */
  readonly attempt: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
  /** A random number in [0, 1) for the jitter. */
  readonly chance: number;
  /** Default: MAX_ATTEMPTS. */
  readonly maxAttempts?: number | undefined;
}

export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number }
  | { readonly retry: false; readonly because: RetryRefusal };

export type RetryRefusal =
  /** Another attempt would end in the same error. */
  | "NOT_TRANSIENT"
  /** CAM may have applied the write. The gateway must read the user back before it repeats the write. */
  | "OUTCOME_MUST_BE_RESOLVED"
  | "ATTEMPTS_USED_UP"
  | "NO_TIME_LEFT";

export const MAX_ATTEMPTS = 4;
const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

/**
 * Decides whether to repeat a failed call, and after which delay. The delay is an exponential backoff with full jitter,
 * so that replicas that failed together do not retry together.
 */
export function decideRetry(question: RetryQuestion): RetryDecision {
  const { error, access, attempt, nowMs, deadlineMs, maxAttempts = MAX_ATTEMPTS } = question;
  const refusal = refusalOf(error, access);
  if (refusal !== undefined) return { retry: false, because: refusal };
  if (attempt >= maxAttempts) return { retry: false, because: "ATTEMPTS_USED_UP" };
  const ceilingMs = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (attempt - 1));
  const delayMs = Math.round(ceilingMs * question.chance);
  if (nowMs + delayMs >= deadlineMs) return { retry: false, because: "NO_TIME_LEFT" };
  return { retry: true, delayMs };
}

/** Returns the reason not to repeat a call, or undefined if a repetition is safe and may succeed. */
function refusalOf(error: CamError, access: "read" | "write"): RetryRefusal | undefined {
  if (error.kind === "NO_CREDENTIAL" || error.kind === "ABORTED") return "NOT_TRANSIENT";
  if (access === "write" && mayHaveBeenApplied(error)) return "OUTCOME_MUST_BE_RESOLVED";
  if (error.kind !== "REFUSED" || isThrottle(error.camCode) || isServiceFault(error.camCode))
    return undefined;
  return "NOT_TRANSIENT";
}
