import type { ChangeRecord } from "../audit/change-record.ts";
import type { Caller, CallerIdentity } from "../auth/caller.ts";
import type { CallPriority, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import type { Uin } from "../contract/index.ts";
import { type Failure, failureOf } from "./failure.ts";

/** The values that a caller wants for the methods of one protection. Undefined: leave the method as it is. */
export interface MfaMethods {
  readonly phone?: boolean | undefined;
  readonly stoken?: boolean | undefined;
  readonly wechat?: boolean | undefined;
}

export interface MfaChangeRequest {
  /** The account of the user. Undefined: the default account. */
  readonly account?: string | undefined;
  readonly opUin: Uin;
  /** Login protection. Undefined, or without any method: leave it as it is. */
  readonly login?: MfaMethods | undefined;
  /** Operation protection. */
  readonly action?: MfaMethods | undefined;
  /** Accept that the change may remove a method that a write cannot express (token, custom, mail, U2F, passkey). */
  readonly overwriteOtherMethods: boolean;
  /** The caller's reason, for the record. Some changes need one. */
  readonly reason?: string | undefined;
}

export interface MfaChangeContext {
  readonly caller: Caller;
  /** The gateway's id of the operation. */
  readonly requestId: string;
  /** The deadline for the answer, in monotonic milliseconds. */
  readonly deadlineMs: number;
  /** For 24 hours, a repeated request with the same key gets the recorded answer. */
  readonly idempotencyKey?: string | undefined;
  /** The priority of the calls to CAM. Default: "interactive". */
  readonly priority?: CallPriority | undefined;
}

/** An item of a running rollout, as planned and approved, with this process's lease. */
export interface RolloutItemOrder {
  readonly rolloutId: string;
  readonly item: number;
  /** Counts from 1. The record has at most one change of each attempt. */
  readonly attempt: number;
  /** The process that holds the lease of the item. */
  readonly leaseOwner: string;
  /** The user's protections in the plan. */
  readonly before: SafeAuthFlags;
  /** The flag sets in the plan. */
  readonly sent: Pick<SetMfaFlagInput, "login" | "action">;
  /** The caller who approved the rollout. Undefined if it needed no approval. */
  readonly approver: CallerIdentity | undefined;
}

/** The start of a change: the request of a caller, the approval of a request, or an item of a rollout. */
export type ChangeOrder =
  | { readonly kind: "request"; readonly request: MfaChangeRequest; readonly context: MfaChangeContext }
  | {
      readonly kind: "approval";
      readonly request: MfaChangeRequest;
      readonly context: MfaChangeContext;
      /** The change that awaits approval. */
      readonly record: ChangeRecord;
      /** The approver's reason, for the record. */
      readonly reason: string | undefined;
    }
  | {
      readonly kind: "rollout";
      readonly request: MfaChangeRequest;
      /** Its caller started the rollout. */
      readonly context: MfaChangeContext;
      readonly item: RolloutItemOrder;
    };

/** A change that took effect. */
export interface MfaChangeOutcome {
  /** The record of the change. */
  readonly changeId: string;
  /** The proof: CAM's reply, or a read-back of the user after the reply was lost. */
  readonly resolvedBy: "REPLY" | "READ_BACK";
  /** CAM's RequestId of the call that proves the outcome: SetMfaFlag, or the read after its reply was lost. */
  readonly camRequestId: string;
}

/** The end of one request for a change, for logs. It holds no secret. */
export interface MfaChangeReport {
  readonly request: MfaChangeRequest;
  readonly context: MfaChangeContext;
  /** Set if the caller approves a change that another caller requested. */
  readonly approves: { readonly requester: CallerIdentity } | undefined;
  /** Set for an item of a rollout. */
  readonly rollout: Pick<RolloutItemOrder, "rolloutId" | "item" | "attempt"> | undefined;
  /** Whether the request shares the outcome of an earlier one. */
  readonly shared: boolean;
  /** The record. Undefined if the gateway refused the change before recording it. */
  readonly changeId: string | undefined;
  /** The full flag sets to send. Undefined if the gateway refused the change before it composed them. */
  readonly flagSets: SetMfaFlagInput | undefined;
  readonly result:
    | { readonly outcome: MfaChangeOutcome }
    /** Undefined if the gateway did not raise the error deliberately. */
    | { readonly error: unknown; readonly failure: Failure | undefined };
  readonly durationMs: number;
}

/** A change that its requester withdrew or another caller rejected. */
interface RejectionReport {
  readonly record: ChangeRecord;
  readonly caller: Caller;
  readonly requestId: string;
}

export interface ChangeObserver {
  onChange(report: MfaChangeReport): void;
  onRejected(report: RejectionReport): void;
  /** The gateway could not record the outcome of a change in time. The reconciler finds it out again. */
  onUnsettled(changeId: string, error: unknown): void;
}

interface ChangeProgressDeps {
  readonly clock: Clock;
  readonly observer?: Pick<ChangeObserver, "onChange"> | undefined;
}

/** Follows one request for a change and reports its end. */
export class ChangeProgress {
  /** Whether the request shares the outcome of an earlier one. */
  shared = false;
  flagSets: SetMfaFlagInput | undefined;
  readonly #order: ChangeOrder;
  readonly #deps: ChangeProgressDeps;
  readonly #beganMs: number;
  readonly #ended = Promise.withResolvers<MfaChangeOutcome>();

  constructor(order: ChangeOrder, deps: ChangeProgressDeps) {
    this.#order = order;
    this.#deps = deps;
    this.#beganMs = deps.clock.monotonic();
    // Usually no other request waits for this one, so mark the rejection as handled.
    this.#ended.promise.catch(() => undefined);
  }

  /** Settles as the request does. */
  get ended(): Promise<MfaChangeOutcome> {
    return this.#ended.promise;
  }

  succeed(outcome: MfaChangeOutcome): MfaChangeOutcome {
    this.#report({ outcome }, outcome.changeId);
    this.#ended.resolve(outcome);
    return outcome;
  }

  /**
   * Maps the error to the contract.
   * @throws Failure, or the error itself if the gateway did not raise it deliberately.
   */
  fail(error: unknown): never {
    const failure = failureOf(error);
    this.#report({ error: failure?.cause ?? error, failure }, failure?.changeId);
    this.#ended.reject(failure ?? error);
    throw failure ?? error;
  }

  #report(result: MfaChangeReport["result"], changeId: string | undefined): void {
    const { clock, observer } = this.#deps;
    const order = this.#order;
    const { request, context } = order;
    observer?.onChange({
      ...{ request, context, result, changeId },
      approves: order.kind === "approval" ? { requester: order.record.caller } : undefined,
      rollout: order.kind === "rollout" ? order.item : undefined,
      shared: this.shared,
      flagSets: this.flagSets,
      durationMs: clock.monotonic() - this.#beganMs,
    });
  }
}
