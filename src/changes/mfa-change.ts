import type { ChangeRecord } from "../audit/change-record.ts";
import type { Caller, CallerIdentity } from "../auth/caller.ts";
import type { SetMfaFlagInput } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { FailureFacts } from "./failure-facts.ts";

/** The methods of one protection that a caller wants set. Undefined: leave it as it is. */
export interface MfaMethods {
  readonly phone?: boolean | undefined;
  readonly stoken?: boolean | undefined;
  readonly wechat?: boolean | undefined;
}

export interface MfaChangeRequest {
  /** The account whose user it is; undefined for the default one. */
  readonly account?: string | undefined;
  readonly opUin: Uin;
  /** Login protection. Undefined, or without any method: leave it as it is. */
  readonly login?: MfaMethods | undefined;
  /** Operation protection. */
  readonly action?: MfaMethods | undefined;
  /** Accept that a method which a write cannot express (token, custom, mail, U2F, passkey) may be lost. */
  readonly overwriteOtherMethods: boolean;
  /** Why, for the record. Some changes are not made without. */
  readonly reason?: string | undefined;
}

export interface MfaChangeContext {
  readonly caller: Caller;
  /** The gateway's id of the operation. */
  readonly requestId: string;
  /** Monotonic milliseconds by which the caller wants to know. */
  readonly deadlineMs: number;
  /** A repetition with the same key is answered from the record for a day. */
  readonly idempotencyKey?: string | undefined;
}

/** A change that took effect. */
export interface MfaChangeOutcome {
  /** The record of the change. */
  readonly changeId: string;
  /** How that is known: by CAM's reply, or by reading the user back after the reply was lost. */
  readonly resolvedBy: "REPLY" | "READ_BACK";
  /** CAM's RequestId of the call that showed it: SetMfaFlag, or the reading after its reply was lost. */
  readonly camRequestId: string;
}

/** What one request for a change came to, for logs and metrics. It holds no secret. */
export interface MfaChangeReport {
  readonly request: MfaChangeRequest;
  readonly context: MfaChangeContext;
  /** Set where the caller approves what another has asked for. */
  readonly approves: { readonly requester: CallerIdentity } | undefined;
  /** Whether the change was made for this request, or for an earlier one whose outcome it shares. */
  readonly shared: boolean;
  /** The record; undefined where the change was refused before it was put on record. */
  readonly changeId: string | undefined;
  /** The full flag sets that were, or were to be, sent, where this request got so far. */
  readonly flagSets: SetMfaFlagInput | undefined;
  readonly result:
    | { readonly outcome: MfaChangeOutcome }
    /** Facts are there for what was raised deliberately. */
    | { readonly error: unknown; readonly facts: FailureFacts | undefined };
  readonly durationMs: number;
}

/** A change that will not be made, because somebody would not have it. */
export interface RejectionReport {
  readonly record: ChangeRecord;
  readonly caller: Caller;
  readonly requestId: string;
}

export interface ChangeObserver {
  onChange(report: MfaChangeReport): void;
  onRejected(report: RejectionReport): void;
  /** The outcome of a change could not be put on record in time; the reconciler will find it out anew. */
  onUnsettled(changeId: string, error: unknown): void;
}
