import { hash } from "node:crypto";
import type { ApprovalStore } from "../audit/approval-store.ts";
import type {
  ApproveVerdict,
  BeforeImageBasis,
  BeginVerdict,
  ChangeRecord,
  ChangeSettlement,
} from "../audit/change-record.ts";
import type { ChangeStore } from "../audit/change-store.ts";
import type { RolloutChangeStore, RolloutVerdict } from "../audit/rollout-change-store.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { identityOf } from "../auth/caller.ts";
import type { SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, isCamErrorCode } from "../contract/index.ts";
import type { ChangePermission } from "./change-access.ts";
import type { AccountUser, KnownFlags, RecentWrites } from "./changes-of-user.ts";
import { camAnswerOf, Failure, failureOf } from "./failure.ts";
import type {
  ChangeObserver,
  ChangeOrder,
  MfaChangeContext,
  MfaChangeOutcome,
  MfaChangeRequest,
} from "./mfa-change.ts";
import type { WriteResult } from "./mfa-flag-client.ts";

export interface ChangeRecorderDeps {
  readonly changeStore: Pick<
    ChangeStore,
    "begin" | "settle" | "find" | "recentWrites" | "findByIdempotencyKey"
  >;
  readonly approvalStore: Pick<ApprovalStore, "approve">;
  readonly rolloutChangeStore: Pick<RolloutChangeStore, "begin" | "reopen">;
  readonly recentWrites: RecentWrites;
  readonly clock: Clock;
  readonly observer?: Pick<ChangeObserver, "onUnsettled"> | undefined;
}

/** A change that is ready for the record. */
export interface PreparedChange {
  /** The state that CAM showed, combined with the gateway's recent writes. */
  readonly before: KnownFlags;
  readonly flagSets: SetMfaFlagInput;
  /** Whether a read that shows the flag sets proves the change: false if an earlier state may look the same. */
  readonly canConfirmByRead: boolean;
  /** The policy's decision, by the current name and remark of the user. */
  readonly permission: ChangePermission;
  /** How long no other replica may take the change over. */
  readonly leaseMs: number;
  readonly basis: BeforeImageBasis;
}

/** The interval at which the gateway reads a change of another replica, and retries to record an outcome. */
const POLL_MS = 100;

/** Records changes and their outcomes, and waits for changes that other replicas make. */
export class ChangeRecorder {
  readonly #deps: ChangeRecorderDeps;

  constructor(deps: ChangeRecorderDeps) {
    this.#deps = deps;
  }

  /**
   * Returns the change on record that already answers an order, once it is not pending: by the idempotency key, or by
   * an earlier decision. Returns undefined if there is none.
   *
   * @throws GatewayError IDEMPOTENCY_KEY_REUSED, CHANGE_IN_PROGRESS
   */
  async findEarlier(order: ChangeOrder): Promise<ChangeRecord | undefined> {
    const { request, context } = order;
    // The lease and the attempt number of an item prevent a repetition.
    if (order.kind === "rollout") return undefined;
    if (order.kind === "approval") {
      return order.record.status === "awaiting_approval"
        ? undefined
        : this.awaitShared(order.record.id, context);
    }
    if (context.idempotencyKey === undefined) return undefined;
    const caller = identityOf(context.caller);
    const earlier = await this.#deps.changeStore.findByIdempotencyKey(caller, context.idempotencyKey);
    if (earlier === undefined) return undefined;
    if (earlier.requestHash !== hashOf(request)) {
      throw new GatewayError("IDEMPOTENCY_KEY_REUSED", { opUin: request.opUin, changeId: earlier.id });
    }
    return this.awaitShared(earlier.id, context);
  }

  /** Records a change, or returns the verdict why it is not recorded. */
  record(
    order: ChangeOrder,
    account: string,
    { before, flagSets: sent, permission, leaseMs, basis }: PreparedChange,
  ): Promise<BeginVerdict | ApproveVerdict | RolloutVerdict> {
    const { changeStore, approvalStore, rolloutChangeStore } = this.#deps;
    const { caller, requestId: gatewayRequestId, idempotencyKey } = order.context;
    const common = { gatewayRequestId, before, sent, leaseMs };
    if (order.kind === "approval") {
      const { record, reason } = order;
      const by = identityOf(caller);
      return approvalStore.approve(record.id, { ...common, by, reason, composedFrom: record }, basis);
    }
    const { opUin, login, action, overwriteOtherMethods, reason } = order.request;
    const intent = {
      ...{ ...common, account, opUin, reason, idempotencyKey },
      caller: identityOf(caller),
      requested: { login, action, overwriteOtherMethods },
      requestHash: hashOf(order.request),
      approvalMs: permission.approval && permission.approval.expiresInMinutes * 60_000,
      policyHash: permission.policy?.hash,
      policyRules: permission.policy?.rules,
    };
    return order.kind === "rollout"
      ? rolloutChangeStore.begin(intent, order.item, basis)
      : changeStore.begin(intent, basis);
  }

  /**
   * Returns the record of a change that another request or replica makes, once it is not pending. @throws GatewayError
   * CHANGE_IN_PROGRESS
   */
  async awaitShared(changeId: string, context: MfaChangeContext): Promise<ChangeRecord> {
    const record = await this.awaitSettled(changeId, context);
    // The next read of the user must not show the state from before the change.
    if (record.status === "applied") await this.fetchRecentWrites(record);
    return record;
  }

  /** Returns the record once it is not pending. @throws GatewayError CHANGE_IN_PROGRESS at the deadline. */
  async awaitSettled(changeId: string, { deadlineMs }: MfaChangeContext): Promise<ChangeRecord> {
    const { changeStore, clock } = this.#deps;
    for (;;) {
      const record = await changeStore.find(changeId);
      if (record !== undefined && record.status !== "pending") return record;
      if (clock.monotonic() + POLL_MS >= deadlineMs) {
        throw new GatewayError("CHANGE_IN_PROGRESS", { changeId, opUin: record?.opUin });
      }
      await clock.sleep(POLL_MS);
    }
  }

  async fetchRecentWrites(user: AccountUser): Promise<void> {
    const { changeStore, recentWrites } = this.#deps;
    recentWrites.replace(user, await changeStore.recentWrites(user.account, user.opUin));
  }

  /**
   * Records the end of a write and returns its outcome. If it cannot record the end, it tries again until the deadline.
   * Then it leaves the change to the reconciler, which finds out the outcome again. The caller receives the true
   * outcome in both cases.
   *
   * @throws Failure, or the error of the write if the gateway did not raise it deliberately.
   */
  async settle(
    changeId: string,
    user: AccountUser,
    { before, flagSets: sent }: PreparedChange,
    written: WriteResult,
    deadlineMs: number,
  ): Promise<MfaChangeOutcome> {
    const { recentWrites } = this.#deps;
    const failure =
      "error" in written ? failureOf(written.error, { opUin: user.opUin, changeId }) : undefined;
    const settlement = settlementOf(written, failure);
    const settled = await this.#recordOutcome(changeId, settlement, deadlineMs);
    if (settled === undefined) recentWrites.forget(user);
    else if (settlement.status !== "refused") {
      const { settleOrder, at: finishedAt } = settled;
      recentWrites.add(user, { changeId, status: settlement.status, finishedAt, settleOrder, before, sent });
    }
    if ("error" in written) throw failure ?? written.error;
    return { changeId, ...written.outcome };
  }

  async #recordOutcome(changeId: string, settlement: ChangeSettlement, deadlineMs: number) {
    const { changeStore, clock, observer } = this.#deps;
    for (;;) {
      try {
        return await changeStore.settle(changeId, settlement);
      } catch (error) {
        if (clock.monotonic() + POLL_MS >= deadlineMs) {
          observer?.onUnsettled(changeId, error);
          return undefined;
        }
        await clock.sleep(POLL_MS);
      }
    }
  }
}

function settlementOf(written: WriteResult, failure: Failure | undefined): ChangeSettlement {
  const { attempts, quotaWaitMs } = written;
  if ("outcome" in written) return { status: "applied", ...written.outcome, attempts, quotaWaitMs };
  const cam = failure?.cam;
  // An error that the gateway did not raise deliberately does not show what CAM did.
  const unknown = failure === undefined || failure.code === "OUTCOME_UNKNOWN";
  return {
    status: unknown ? "unknown" : "refused",
    code: failure?.code ?? "INTERNAL",
    ...(cam && { camCode: cam.code, camAction: cam.action, camRequestId: cam.requestId }),
    ...(cam && !unknown && { resolvedBy: "REPLY" }),
    ...{ attempts, quotaWaitMs },
  };
}

/**
 * Returns the outcome of an earlier change, or of a change of another replica, as if this request had made it.
 *
 * @throws Failure
 */
export function outcomeOf(record: ChangeRecord): MfaChangeOutcome {
  const { id: changeId, opUin, status, resolvedBy, code, camCode, camAction, camRequestId } = record;
  if (status === "awaiting_approval") {
    const expiresAt = record.approval?.expiresAt.toISOString();
    throw new Failure({ code: "APPROVAL_REQUIRED", opUin, changeId, expiresAt });
  }
  if (status === "applied" && resolvedBy !== undefined) {
    return { changeId, resolvedBy, camRequestId: camRequestId ?? "" };
  }
  throw new Failure({
    code: isCamErrorCode(code) ? code : "OUTCOME_UNKNOWN",
    ...{ opUin, changeId },
    cam: camAnswerOf(camCode, camAction, camRequestId),
  });
}

/** Returns the request of a change on record. The ChangeRecorder wrote it there. */
export function requestOf({ account, opUin, requested, reason }: ChangeRecord): MfaChangeRequest {
  return {
    ...(requested as Pick<MfaChangeRequest, "login" | "action" | "overwriteOtherMethods">),
    ...{ account, opUin, reason },
  };
}

/**
 * Returns the same hash for equal requests, in every replica. Omits the default account, because older records have
 * hashes without an account.
 */
function hashOf(request: MfaChangeRequest): string {
  const { account, opUin, login, action, overwriteOtherMethods, reason } = request;
  const methods = (of: typeof login) => [of?.phone ?? null, of?.stoken ?? null, of?.wechat ?? null];
  const identity = JSON.stringify([
    ...[opUin, methods(login), methods(action), overwriteOtherMethods, reason ?? null],
    ...(account === undefined || account === DEFAULT_ACCOUNT ? [] : [account]),
  ]);
  return hash("sha256", identity);
}

/**
 * Returns the same key for orders that share one change. If a request needs approval and has no idempotency key, two
 * requests with different reasons are the same request (as in begin_change). A request with a reason and one without are
 * not, because some changes need a reason.
 */
export function dedupeKeyOf(order: ChangeOrder, approval: ChangePermission["approval"]): string {
  const { request, context } = order;
  const { caller, idempotencyKey } = context;
  if (order.kind === "approval") {
    return JSON.stringify(["approve", order.record.id, caller.subject, caller.issuer]);
  }
  if (order.kind === "rollout") {
    const { rolloutId, item, attempt } = order.item;
    return JSON.stringify(["rollout", rolloutId, item, attempt]);
  }
  const reason = request.reason && "given";
  const isWhole = approval === undefined || idempotencyKey !== undefined;
  const change = hashOf(isWhole ? request : { ...request, reason });
  return JSON.stringify([change, caller.subject, caller.issuer, idempotencyKey]);
}
