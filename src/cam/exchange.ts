import type { CamAction } from "./actions/cam-action.ts";
import type { CircuitVote } from "./circuit-breaker.ts";
import { CamError, isServiceFault } from "./errors/cam-error.ts";
import type { SlotOutcome } from "./rate-budget.ts";
import { type CamResult, readReply } from "./read-reply.ts";
import type { TransportReply } from "./transport/http-transport.ts";
import type { TransportError } from "./transport/transport-error.ts";

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

export type Answer<Output> = { readonly result: CamResult<Output> } | { readonly error: CamError };

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
