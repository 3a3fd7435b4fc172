import type { CamAction } from "./actions/cam-action.ts";
import type { CircuitVote } from "./circuit-breaker.ts";
import { CamError, isServiceFault } from "./errors/cam-error.ts";
import type { SlotOutcome } from "./rate-budget.ts";
import { type CamResult, readReply } from "./read-reply.ts";
import type { RetryRefusal } from "./retry/decide-retry.ts";
import type { TransportError, TransportReply } from "./transport/http-transport.ts";

/** One attempt at a call, and what follows from it. */
export type Exchange<Output> = Answer<Output> & {
  readonly quotaWaitMs: number;
  readonly correction: Correction | undefined;
  readonly vote: CircuitVote;
};

/**
 * What CAM refused and we now have better: the timestamp, by its Date header, or the key, where another has come. CAM
 * says both before it does anything, so a write may be repeated too.
 */
export type Correction = "clock" | "key";

type Answer<Output> = { readonly result: CamResult<Output> } | { readonly error: CamError };

export function readAnswer<Output>(
  action: CamAction<never, Output>,
  reply: TransportReply,
  attempts: number,
): Answer<Output> {
  try {
    return { result: readReply(action, reply, attempts) };
  } catch (error) {
    if (error instanceof CamError) return { error };
    throw error;
  }
}

/** A refusal shows that CAM works. Its own faults, and answers that are not CAM's, count as failures. */
export function voteOnAnswer(answer: Answer<unknown>): CircuitVote {
  if (!("error" in answer)) return "WELL";
  const { kind, camCode } = answer.error;
  return kind === "REFUSED" && !isServiceFault(camCode) ? "WELL" : "FAILED";
}

/** @param isCut The gateway's own deadline left less time than an attempt may take, so running out of it shows nothing. */
export function voteOf({ reason }: TransportError, isCut: boolean): CircuitVote {
  if (reason === "ABORTED" || reason === "SLOT_MISSED") return undefined;
  return reason === "TIMEOUT" && isCut ? undefined : "FAILED";
}

export function slotOutcomeOf(failure: TransportError): SlotOutcome {
  if (!failure.sent) return "UNUSED";
  return failure.reason === "REPLY_TOO_LARGE" ? "ANSWERED" : "LOST";
}

/** One request that was made, or could not be made, to CAM. */
export interface CamAttempt {
  readonly action: string;
  /** The gateway's own id of the operation that this belongs to; it went out as X-TC-TraceId. */
  readonly traceId: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly durationMs: number;
  /** How long it waited for a slot of the quota. */
  readonly quotaWaitMs: number;
  /** CAM's RequestId, where a reply had one. */
  readonly requestId: string | undefined;
  readonly error: CamError | undefined;
  /** What follows an error. */
  readonly next: { readonly retryInMs: number } | { readonly gaveUp: RetryRefusal } | undefined;
}

/** Told of every attempt; it must not throw. */
export interface CamObserver {
  onAttempt(attempt: CamAttempt): void;
}
