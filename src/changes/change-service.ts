/**
 * Makes changes of users' protections. `#make` is the path of a change: read it from top to bottom. Each step has a
 * file: change-access.ts authorises, changes-of-user.ts locks, prepare-change.ts reads the user, record-change.ts
 * records and settles, and mfa-flag-client.ts sends and resolves lost replies.
 */
import type { ApprovalStore } from "../audit/approval-store.ts";
import type { ApproveVerdict, BeginVerdict, ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import type { OpenItem, RolloutVerdict } from "../audit/rollout-change-store.ts";
import type { Accounts } from "../auth/accounts.ts";
import { identityOf, isSamePerson, requireScope } from "../auth/caller.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { ChangeAccess, ChangeAccount, ChangePermission, PausedCallers } from "./change-access.ts";
import { UserLock } from "./changes-of-user.ts";
import { Failure } from "./failure.ts";
import {
  type ChangeObserver,
  type ChangeOrder,
  ChangeProgress,
  type MfaChangeContext,
  type MfaChangeOutcome,
  type MfaChangeRequest,
  type RolloutItemOrder,
} from "./mfa-change.ts";
import { prepareChange, repeatChange, requestsAnyMethod } from "./prepare-change.ts";
import {
  ChangeRecorder,
  type ChangeRecorderDeps,
  dedupeKeyOf,
  outcomeOf,
  type PreparedChange,
  requestOf,
} from "./record-change.ts";

export interface ChangeServiceDeps extends Omit<ChangeRecorderDeps, "observer"> {
  readonly access: Pick<ChangeAccess, "authorise" | "requireNotGatewayIdentity">;
  readonly accounts: Pick<Accounts<ChangeAccount>, "require">;
  readonly approvalStore: Pick<ApprovalStore, "approve" | "reject">;
  readonly pausedCallers: PausedCallers;
  readonly clock: Clock;
  readonly observer?: ChangeObserver;
}

/** How often the gateway reads a user again because another change of the user came first. */
const MAX_REREADS = 5;

const TOO_MANY_AWAIT_APPROVAL =
  "Five changes of this user that you asked for await approval. The oldest is named.";

/** Makes changes that callers request, and changes that other callers approve. */
export class ChangeService {
  readonly #deps: ChangeServiceDeps;
  readonly #recorder: ChangeRecorder;
  readonly #lock: UserLock;
  readonly #inFlight = new Map<string, Promise<MfaChangeOutcome>>();

  constructor(deps: ChangeServiceDeps) {
    this.#deps = deps;
    this.#recorder = new ChangeRecorder(deps);
    this.#lock = new UserLock(deps.clock);
  }

  /**
   * Sets the protections of one sub-user. Joins an identical change in flight, in this replica or another one. A change
   * continues even if the caller disconnects.
   *
   * @throws Failure OUTCOME_UNKNOWN or INTERNAL: CAM may have applied the write. CHANGE_IN_PROGRESS: other changes of
   *   the user, or the same one in another replica, did not end in time, or too many wait. Any other code: this change
   *   has not taken effect. docs/errors.md lists the codes. A failure with a changeId is about a change on record. With
   *   APPROVAL_REQUIRED, it waits there for another caller.
   * @throws the error itself if the gateway did not raise it deliberately. CAM may have applied the write then too.
   */
  setSubUserMfa(request: MfaChangeRequest, context: MfaChangeContext): Promise<MfaChangeOutcome> {
    return this.#carryOut({ kind: "request", request, context });
  }

  /**
   * Approves a change that awaits approval, makes it with the user as they are now, and waits for its outcome. Returns
   * the outcome of a change that was decided before, so a repeated approval is safe.
   *
   * @param reason The approver's reason, for the record.
   * @throws Failure FORBIDDEN for the requester, for a caller without permission for the change, and if the policy no
   *   longer allows it to the requester; APPROVAL_NOT_AWAITED for a change that needs no approval; APPROVAL_EXPIRED;
   *   APPROVAL_REJECTED; and as setSubUserMfa.
   */
  approve(
    record: ChangeRecord,
    reason: string | undefined,
    context: MfaChangeContext,
  ): Promise<MfaChangeOutcome> {
    return this.#carryOut({ kind: "approval", request: requestOf(record), context, record, reason });
  }

  /**
   * Makes the change of one item of a running rollout. It is a change like any other, except that the bulk guard does
   * not count it, and that it has no idempotency key: the record has one change of each attempt.
   *
   * @throws Failure as setSubUserMfa, and PLAN_CHANGED if the user differs from the plan. Without a changeId nothing
   *   was recorded.
   */
  changeItem(
    request: MfaChangeRequest,
    item: RolloutItemOrder,
    context: MfaChangeContext,
  ): Promise<MfaChangeOutcome> {
    return this.#carryOut({ kind: "rollout", request, context, item });
  }

  /**
   * Sends the flag sets of an item again, whose outcome is unknown. Returns undefined if the user has another open change
   * or a later one, or if the rollout does not run. The caller records the outcome.
   *
   * @throws Failure as changeItem, if the item is not allowed any more.
   */
  async repeatItem(
    open: OpenItem,
    item: RolloutItemOrder,
    context: MfaChangeContext,
  ): Promise<ChangeSettlement | undefined> {
    const { record } = open;
    const { account } = await this.#authorise({ kind: "rollout", request: requestOf(record), context, item });
    const release = await this.#lock.acquire(record, context);
    return repeatChange(this.#deps, account, open, context).finally(release);
  }

  /**
   * Settles a change that awaits approval as refused. The requester may withdraw it; other callers need the scope for
   * approvals. A repeated rejection has no effect and is not an error.
   *
   * @param record Undefined if the record has no such change.
   * @throws GatewayError CHANGE_NOT_FOUND, FORBIDDEN, APPROVAL_NOT_AWAITED
   */
  async reject(
    record: ChangeRecord | undefined,
    reason: string | undefined,
    { caller, requestId }: MfaChangeContext,
  ): Promise<ChangeRecord> {
    const isRequester = record?.caller.subject === caller.subject && record.caller.issuer === caller.issuer;
    // A caller without the scope must not discover which changes exist.
    if (!isRequester) requireScope(caller, "cam.mfa:approve");
    if (record === undefined) throw new GatewayError("CHANGE_NOT_FOUND");
    const { id, opUin } = record;
    const { approvalStore, changeStore, observer } = this.#deps;
    const by = { gatewayRequestId: requestId, reason };
    const verdict = await approvalStore.reject(id, identityOf(caller), by);
    const now = await changeStore.find(id);
    if (now?.approval === undefined || now.approval.decision?.kind === "approved") {
      throw new GatewayError("APPROVAL_NOT_AWAITED", { opUin, changeId: id });
    }
    if (verdict === "SETTLED") observer?.onRejected({ record: now, caller, requestId });
    return now;
  }

  /** Resolves when no change is in flight. Each change ends by its deadline. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight.values());
  }

  #carryOut(order: ChangeOrder): Promise<MfaChangeOutcome> {
    const progress = new ChangeProgress(order, this.#deps);
    return this.#make(order, progress).then(
      (outcome) => progress.succeed(outcome),
      (error: unknown) => progress.fail(error),
    );
  }

  /** Makes a change: authorise, dedupe, lock, read, record, send, settle. */
  async #make(order: ChangeOrder, progress: ChangeProgress): Promise<MfaChangeOutcome> {
    const { pausedCallers } = this.#deps;
    const { request, context } = order;
    // Authorise first: a caller who may not make a change may not join it or discover it.
    const { account, approval } = await this.#authorise(order);
    const user = { account: account.name, opUin: request.opUin };

    // Dedupe: join the same change in flight.
    const key = dedupeKeyOf(order, approval);
    const same = this.#inFlight.get(key);
    progress.shared = same !== undefined;
    if (same !== undefined) return same;
    this.#inFlight.set(key, progress.ended);
    let release: (() => void) | undefined;
    try {
      // Lock the user in this process. Across replicas, `record` returns BUSY while another change of the user is open.
      release = await this.#lock.acquire(user, context);
      const earlier = await this.#recorder.findEarlier(order);
      progress.shared = earlier !== undefined;
      if (earlier !== undefined) return outcomeOf(earlier);
      await pausedCallers.refuseIfKnownPaused(context.caller, user.opUin);

      // Read the user and record the change. Repeat both if another change of the user came first.
      let prepared: PreparedChange;
      let verdict: BeginVerdict | ApproveVerdict | RolloutVerdict;
      for (let rereads = 0; ; rereads++) {
        prepared = await prepareChange(this.#deps, order, account);
        progress.flagSets = prepared.flagSets;
        verdict = await this.#recorder.record(order, account.name, prepared);
        if (verdict.kind !== "BUSY" && verdict.kind !== "STALE") break;
        const { id: changeId } = verdict;
        if (rereads >= MAX_REREADS)
          throw new GatewayError("CHANGE_IN_PROGRESS", { opUin: user.opUin, changeId });
        if (verdict.kind === "BUSY") await this.#recorder.awaitSettled(changeId, context);
        await this.#recorder.fetchRecentWrites(user);
      }
      if (verdict.kind !== "BEGUN") {
        this.#requireShareable(order, verdict);
        // A change that awaits approval was put on record for this request.
        progress.shared = verdict.kind !== "AWAITING";
        return outcomeOf(await this.#recorder.awaitShared(verdict.id, context));
      }

      // Send, and find out the outcome.
      const written = await account.mfaFlags.write(prepared.flagSets, context, prepared.canConfirmByRead);

      // Settle: record the outcome, then answer.
      return await this.#recorder.settle(verdict.id, user, prepared, written, context.deadlineMs);
    } finally {
      release?.();
      this.#inFlight.delete(key);
    }
  }

  async #authorise(order: ChangeOrder): Promise<ChangePermission & { readonly account: ChangeAccount }> {
    const { access, accounts } = this.#deps;
    const { request, context } = order;
    const { opUin } = request;
    if (order.kind !== "approval" && !requestsAnyMethod(request)) {
      throw new GatewayError("NOTHING_TO_CHANGE", { opUin });
    }
    const account = accounts.require(request.account, context.caller);
    const permission = await access.authorise(order, account);
    if (order.kind !== "approval") return { account, ...permission };
    // Two people agree here, so the approver needs no further approval.
    const { id: changeId, approval, caller } = order.record;
    if (approval === undefined) throw new GatewayError("APPROVAL_NOT_AWAITED", { opUin, changeId });
    if (isSamePerson(caller, context.caller)) throw selfApprovalError(order.record);
    return { account, approval: undefined };
  }

  /** Throws the error of an order that the record refused. Returns if another change answers the order. */
  #requireShareable(
    { request: { opUin }, context }: ChangeOrder,
    { kind, id }: BeginVerdict | ApproveVerdict | RolloutVerdict,
  ): void {
    switch (kind) {
      case "PAUSED":
      case "PAUSES":
        this.#deps.pausedCallers.refuse(context.caller, opUin, kind);
        break;
      case "KEY_REUSED":
        throw new GatewayError("IDEMPOTENCY_KEY_REUSED", { opUin, changeId: id });
      case "FULL":
        throw new GatewayError("CHANGE_IN_PROGRESS", { opUin, changeId: id, hint: TOO_MANY_AWAIT_APPROVAL });
      case "OWN":
        throw selfApprovalError({ id, opUin });
      case "FORGED": {
        const hint = "This gateway did not record the request in this form. Request the change again.";
        throw new GatewayError("FORBIDDEN", { opUin, changeId: id, hint, rule: "approval request altered" });
      }
      case "LOST": {
        const hint = "The rollout does not run, or another replica makes this change.";
        throw new GatewayError("CHANGE_IN_PROGRESS", { opUin, hint });
      }
      case "EXPIRED":
        throw new Failure({ code: "APPROVAL_EXPIRED", opUin, changeId: id });
      default:
        kind satisfies "AWAITING" | "JOIN" | "REPLAY" | "DECIDED" | "BEGUN" | "BUSY" | "STALE";
    }
  }
}

/**
 * Returns the refusal of a requester who would approve their own change. The same name from two issuers, or in two
 * spellings, may mean two people. The gateway treats them as one person, because the opposite mistake is worse.
 */
function selfApprovalError({ id, opUin }: Pick<ChangeRecord, "id" | "opUin">): GatewayError {
  const hint = "The requester of a change cannot approve it.";
  return new GatewayError("FORBIDDEN", { opUin, changeId: id, hint, rule: "approval by another" });
}
