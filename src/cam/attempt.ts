import { type CamError, isServiceFault, isThrottle, mayHaveBeenApplied } from "./cam-error.ts";
import type { CircuitVote } from "./circuit-breaker.ts";
import type { CamResult } from "./protocol.ts";
import type { SlotOutcome } from "./quota.ts";
import type { TransportError } from "./transport/http-transport.ts";

/** One attempt at a call, for logs: a request that the gateway sent or could not send. */
export interface CamAttempt {
  readonly action: string;
  /** The gateway's id of the operation, sent as X-TC-TraceId. */
  readonly traceId: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly durationMs: number;
  /** The time spent waiting for a slot of the quota. */
  readonly quotaWaitMs: number;
  /** CAM's RequestId. Undefined if the reply had none. */
  readonly camRequestId: string | undefined;
  readonly error: CamError | undefined;
  /** The step after an error: a retry, or the reason to give up. Undefined after a result. */
  readonly next: { readonly retryInMs: number } | { readonly gaveUp: RetryRefusal } | undefined;
}

/** The end of an attempt: a result or an error. */
export interface AttemptOutcome<Output> {
  readonly result?: CamResult<Output>;
  readonly error?: CamError;
  readonly quotaWaitMs: number;
  readonly correction?: Correction | undefined;
  readonly vote?: CircuitVote;
}

/**
 * A correction after CAM refused a signed request: the gateway now signs with another timestamp, by CAM's Date header,
 * or with another key. CAM refuses a wrong timestamp or key before it acts, so the gateway may repeat a write too.
 */
export type Correction = "clock" | "key";

/**
 * Returns the vote on an error after a reply. A refusal shows that CAM works. CAM's own faults, and replies that are
 * not from CAM, count as failures.
 */
export function voteOnError({ kind, camCode }: CamError): CircuitVote {
  return kind === "REFUSED" && !isServiceFault(camCode) ? "OK" : "FAILED";
}

/**
 * Returns the vote on an exchange without a complete reply.
 * @param isCut Whether the deadline shortened the timeout of the attempt. Then a timeout does not show a fault of CAM.
 */
export function voteOnTransportError({ reason }: TransportError, isCut: boolean): CircuitVote {
  return reason === "ABORTED" || (reason === "TIMEOUT" && isCut) ? undefined : "FAILED";
}

export function slotOutcomeOf({ sent, reason }: TransportError): SlotOutcome {
  if (!sent) return "UNUSED";
  return reason === "REPLY_TOO_LARGE" ? "ANSWERED" : "LOST";
}

export interface RetryQuestion {
  readonly access: "read" | "write";
  readonly error: CamError;
  /** The number of the failed attempt. The first is 1. */
  readonly attempt: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
  /** A random number in [0, 1) for the jitter. */
  readonly jitter: number;
  /** Default: MAX_ATTEMPTS. */
  readonly maxAttempts?: number | undefined;
}

export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number }
  | { readonly retry: false; readonly because: RetryRefusal };

type RetryRefusal =
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
  const refusal = reasonNotToRetry(error, access);
  if (refusal !== undefined) return { retry: false, because: refusal };
  if (attempt >= maxAttempts) return { retry: false, because: "ATTEMPTS_USED_UP" };
  const ceilingMs = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (attempt - 1));
  const delayMs = Math.round(ceilingMs * question.jitter);
  if (nowMs + delayMs >= deadlineMs) return { retry: false, because: "NO_TIME_LEFT" };
  return { retry: true, delayMs };
}

/** Returns the reason not to repeat a call, or undefined if a repetition is safe and may succeed. */
function reasonNotToRetry(error: CamError, access: "read" | "write"): RetryRefusal | undefined {
  if (error.kind === "NO_CREDENTIAL" || error.kind === "ABORTED") return "NOT_TRANSIENT";
  if (access === "write" && mayHaveBeenApplied(error)) return "OUTCOME_MUST_BE_RESOLVED";
  if (error.kind !== "REFUSED" || isThrottle(error.camCode) || isServiceFault(error.camCode))
    return undefined;
  return "NOT_TRANSIENT";
}
