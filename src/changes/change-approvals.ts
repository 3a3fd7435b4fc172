import type { ApprovalLog } from "../audit/approval-log.ts";
import type { ChangeLog } from "../audit/change-log.ts";
import type { ApproveVerdict, ChangeRecord } from "../audit/change-record.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Caller, CallerIdentity } from "../auth/caller.ts";
import { requireScope } from "../auth/caller.ts";
import { isSamePerson } from "../auth/subject.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { ChangeAccess, Requester } from "./change-access.ts";
import type { ChangeAccount } from "./change-account.ts";
import type { ChangeRunner, Run } from "./change-runner.ts";
import type { ChangeObserver, MfaChangeContext, MfaChangeOutcome } from "./mfa-change.ts";
import type { PausedCallers } from "./paused-callers.ts";
import { outcomeOf, recordedCaller, requestOf } from "./recorded-change.ts";
import { RecordedFailure } from "./recorded-failure.ts";
import { reportChange } from "./report-change.ts";

export interface ChangeApprovalsDeps {
  readonly access: Pick<ChangeAccess, "authorise">;
  readonly accounts: Pick<Accounts<ChangeAccount>, "require">;
  readonly runner: ChangeRunner;
  readonly approvalLog: Pick<ApprovalLog, "approve" | "reject">;
  readonly log: Pick<ChangeLog, "find">;
  readonly pausedCallers: PausedCallers;
  readonly clock: Clock;
  readonly observer?: ChangeObserver;
}

/** The two-person rule: what a caller does about changes that others have asked for. */
export class ChangeApprovals {
  readonly #deps: ChangeApprovalsDeps;

  constructor(deps: ChangeApprovalsDeps) {
    this.#deps = deps;
  }

  /**
   * Lets a change go that awaits approval, with the user as they are now, and waits for its outcome. Of a change that
   * was decided before it says what became of it, so that it is safe to approve twice.
   *
   * @param reason Why, for the record.
   * @throws GatewayError FORBIDDEN for who asked for it, for whom the policy does not allow it, and where it no longer
   *   allows it to who asked; APPROVAL_NOT_AWAITED where nobody has to approve it; and as ChangeService.setSubUserMfa.
   * @throws RecordedFailure as well with APPROVAL_EXPIRED and APPROVAL_REJECTED.
   */
  approve(
    record: ChangeRecord,
    reason: string | undefined,
    context: MfaChangeContext,
  ): Promise<MfaChangeOutcome> {
    const request = requestOf(record);
    const run: Run = { request, context, progress: { shared: false } };
    const { subject, issuer } = context.caller;
    const key = JSON.stringify(["approve", record.id, subject, issuer]);
    const work = async () => {
      const account = await this.#authorise(record, run);
      return this.#deps.runner.join(key, run, account, () => this.#approve(record, reason, run, account));
    };
    return reportChange(this.#deps, run, work, { requester: record.caller });
  }

  /**
   * Settles a change that awaits approval as refused. Whoever asked for it may withdraw it; others need the scope for
   * approvals. To do so again is no mistake.
   *
   * @param record Undefined where there is no such change.
   * @throws GatewayError CHANGE_NOT_FOUND, FORBIDDEN, APPROVAL_NOT_AWAITED
   */
  async reject(
    record: ChangeRecord | undefined,
    reason: string | undefined,
    { caller, requestId }: MfaChangeContext,
  ): Promise<ChangeRecord> {
    // Who can do no more than withdraw does not learn which other changes there are.
    if (record === undefined || !isOf(caller, record.caller)) requireScope(caller, "cam.mfa:approve");
    if (record === undefined) throw new GatewayError("CHANGE_NOT_FOUND");
    const { id, opUin } = record;
    const { approvalLog, log, observer } = this.#deps;
    const verdict = await approvalLog.reject(id, recordedCaller(caller), {
      gatewayRequestId: requestId,
      reason,
    });
    const now = await log.find(id);
    const wasAwaited = now?.approval !== undefined && now.approval.decision?.kind !== "approved";
    if (now === undefined || !wasAwaited) {
      throw new GatewayError("APPROVAL_NOT_AWAITED", { opUin, changeId: id });
    }
    if (verdict === "SETTLED") observer?.onRejected({ record: now, caller, requestId });
    return now;
  }

  async #authorise(record: ChangeRecord, { request, context }: Run): Promise<ChangeAccount> {
    const { access, accounts } = this.#deps;
    const { id: changeId, opUin, status } = record;
    const account = accounts.require(request.account, context.caller);
    const isOwn = isSamePerson(record.caller, context.caller);
    const requester = isOwn || status !== "awaiting_approval" ? undefined : requesterOf(record);
    // Their own need for approval does not come up again: two people have agreed.
    await access.authorise(request, account, context, requester);
    if (record.approval === undefined) throw new GatewayError("APPROVAL_NOT_AWAITED", { opUin, changeId });
    if (isOwn) throw ownChange(record);
    return account;
  }

  async #approve(
    record: ChangeRecord,
    reason: string | undefined,
    run: Run,
    account: ChangeAccount,
  ): Promise<MfaChangeOutcome> {
    const { access, runner, approvalLog, pausedCallers } = this.#deps;
    const { request, context } = run;
    const { caller, requestId: gatewayRequestId } = context;
    if (record.status !== "awaiting_approval") return this.#shareOutcome(record.id, run);
    await pausedCallers.requireResumed(caller, record.opUin);
    return runner.run(run, account, {
      permit: () => access.authorise(request, account, context, requesterOf(record)),
      record: ({ before, flagSets: sent, leaseMs, basis }) => {
        const by = recordedCaller(caller);
        const intent = { by, gatewayRequestId, reason, before, sent, leaseMs, composedFrom: record };
        return approvalLog.approve(record.id, intent, basis);
      },
      answer: (verdict) => this.#answer(record, verdict, run),
    });
  }

  async #answer(record: ChangeRecord, { kind }: ApproveVerdict, run: Run): Promise<MfaChangeOutcome> {
    const { caller } = run.context;
    if (kind === "PAUSED" || kind === "PAUSES") {
      return this.#deps.pausedCallers.refuse(caller, record.opUin, kind);
    }
    if (kind === "OWN") throw ownChange(record);
    if (kind === "FORGED") throw forgedRequest(record);
    if (kind === "EXPIRED") throw new RecordedFailure(record, { facts: { code: "APPROVAL_EXPIRED" } });
    return this.#shareOutcome(record.id, run);
  }

  async #shareOutcome(changeId: string, { context, progress }: Run): Promise<MfaChangeOutcome> {
    progress.shared = true;
    return outcomeOf(await this.#deps.runner.awaitShared(changeId, context));
  }
}

function requesterOf({ caller, createdAt }: ChangeRecord): Requester {
  return { caller, atMs: createdAt.getTime() };
}

/**
 * The same name by two issuers, or in two spellings, may be two people. To overlook that it is one would be worse.
 */
function ownChange({ id, opUin }: ChangeRecord): GatewayError {
  const hint = "Whoever asked for a change cannot approve it.";
  return new GatewayError("FORBIDDEN", { opUin, changeId: id, hint });
}

function forgedRequest({ id, opUin }: ChangeRecord): GatewayError {
  const hint = "This gateway did not record the request in this form. Ask for the change again.";
  return new GatewayError("FORBIDDEN", { opUin, changeId: id, hint });
}

function isOf({ subject, issuer }: Caller, requester: CallerIdentity): boolean {
  return subject === requester.subject && issuer === requester.issuer;
}
