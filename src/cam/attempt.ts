import type { CircuitVote } from "./circuit-breaker.ts";
import { type CamError, isServiceFault } from "./errors/cam-error.ts";
import type { CamResult } from "./exchange.ts";
import type { SlotOutcome } from "./rate-budget.ts";
import type { RetryRefusal } from "./retry/decide-retry.ts";
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
  return kind === "REFUSED" && !isServiceFault(camCode) ? "WELL" : "FAILED";
}

/**
 * Returns the vote on an exchange without a complete reply.
 * @param isCut Whether the deadline shortened the timeout of the attempt. Then a timeout does not show a fault of CAM.
 */
export function voteOnLoss({ reason }: TransportError, isCut: boolean): CircuitVote {
  return reason === "ABORTED" || (reason === "TIMEOUT" && isCut) ? undefined : "FAILED";
}

export function slotOutcomeOf({ sent, reason }: TransportError): SlotOutcome {
  if (!sent) return "UNUSED";
  return reason === "REPLY_TOO_LARGE" ? "ANSWERED" : "LOST";
}
