import type { CircuitVote } from "./circuit-breaker.ts";
import { type CamError, isServiceFault } from "./errors/cam-error.ts";
import type { SlotOutcome } from "./rate-budget.ts";
import type { CamResult } from "./read-reply.ts";
import type { RetryRefusal } from "./retry/decide-retry.ts";
import type { TransportError } from "./transport/http-transport.ts";

/** One attempt at a call, for logs: a request that was made, or that could not be made. */
export interface CamAttempt {
  readonly action: string;
  /** The gateway's id of the operation, which went out as X-TC-TraceId. */
  readonly traceId: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly durationMs: number;
  /** The time spent waiting for a slot of the quota. */
  readonly quotaWaitMs: number;
  /** CAM's RequestId, where the reply had one. */
  readonly camRequestId: string | undefined;
  readonly error: CamError | undefined;
  /** What follows an error. */
  readonly next: { readonly retryInMs: number } | { readonly gaveUp: RetryRefusal } | undefined;
}

/** How an attempt ended: with a result or an error. */
export interface AttemptOutcome<Output> {
  readonly result?: CamResult<Output>;
  readonly error?: CamError;
  readonly quotaWaitMs: number;
  readonly correction?: Correction | undefined;
  readonly vote?: CircuitVote;
}

/**
 * What the gateway has corrected since the request was signed: the timestamp, by CAM's Date header, or the key. CAM refuses
 * both before it does anything, so a write may be repeated too.
 */
export type Correction = "clock" | "key";

/** A refusal shows that CAM works. Its own faults, and replies that are not from CAM, count as failures. */
export function voteOnError({ kind, camCode }: CamError): CircuitVote {
  return kind === "REFUSED" && !isServiceFault(camCode) ? "WELL" : "FAILED";
}

/** @param isCut The deadline left less time than an attempt may take, so a timeout says nothing about CAM. */
export function voteOnLoss({ reason }: TransportError, isCut: boolean): CircuitVote {
  return reason === "ABORTED" || (reason === "TIMEOUT" && isCut) ? undefined : "FAILED";
}

export function slotOutcomeOf({ sent, reason }: TransportError): SlotOutcome {
  if (!sent) return "UNUSED";
  return reason === "REPLY_TOO_LARGE" ? "ANSWERED" : "LOST";
}
