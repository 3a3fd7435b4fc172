import type { ChangeLog } from "../audit/change-log.ts";
import type { BeginVerdict, ChangeRecord } from "../audit/change-record.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Permission } from "../auth/policy/decide-access.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { ChangeAccess } from "./change-access.ts";
import type { ChangeAccount } from "./change-account.ts";
import type { ChangeRunner, Prepared, Run } from "./change-runner.ts";
import { asksForSomething } from "./compose-flag-sets.ts";
import type { ChangeObserver, MfaChangeContext, MfaChangeOutcome, MfaChangeRequest } from "./mfa-change.ts";
import type { PausedCallers } from "./paused-callers.ts";
import { outcomeOf, recordedCaller } from "./recorded-change.ts";
import { reportChange } from "./report-change.ts";
import { hashOf } from "./request-hash.ts";

export interface ChangeServiceDeps {
  readonly access: Pick<ChangeAccess, "authorise">;
  readonly accounts: Pick<Accounts<ChangeAccount>, "require">;
  readonly runner: ChangeRunner;
  readonly log: Pick<ChangeLog, "begin" | "findByIdempotencyKey">;
  readonly pausedCallers: PausedCallers;
  readonly clock: Clock;
  readonly observer?: ChangeObserver;
}

const MANY_WAIT = "Five changes of this user that you asked for await approval. The oldest is named.";

/** The door for changes that a caller asks for. Approvals of them have one beside it: change-approvals.ts. */
export class ChangeService {
  readonly #deps: ChangeServiceDeps;

  constructor(deps: ChangeServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Sets the protections of one sub-user. The same change already in flight, here or in another replica, is
   * joined. Once begun it goes on, whether or not the caller still waits.
   *
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT, PROTECTED_USER, REASON_REQUIRED, NOTHING_TO_CHANGE, MFA_METHOD_NOT_WRITABLE,
   *   CHANGE_IN_PROGRESS, CALLER_PAUSED, QUOTA_EXHAUSTED, STORE_UNAVAILABLE, IDEMPOTENCY_KEY_REUSED: nothing was sent.
   * @throws CamError where CAM could not be read before the change; nothing was sent.
   * @throws RecordedFailure for a change that is on record; with APPROVAL_REQUIRED it waits there for another caller.
   */
  setSubUserMfa(request: MfaChangeRequest, context: MfaChangeContext): Promise<MfaChangeOutcome> {
    const run: Run = { request, context, progress: { shared: false } };
    const { caller, idempotencyKey } = context;
    return reportChange(this.#deps, run, async () => {
      const { account, approval } = await this.#authorise(request, context);
      const isSame =
        approval === undefined || idempotencyKey !== undefined ? hashOf(request) : effectOf(request);
      const key = JSON.stringify([isSame, caller.subject, caller.issuer, idempotencyKey]);
      return this.#deps.runner.join(key, run, account, () => this.#change(run, account));
    });
  }

  /** Authorises before anything is shared: a caller who may not make a change learns nothing from the record. */
  async #authorise(
    request: MfaChangeRequest,
    context: MfaChangeContext,
  ): Promise<Permission & { readonly account: ChangeAccount }> {
    if (!asksForSomething(request)) throw new GatewayError("NOTHING_TO_CHANGE", { opUin: request.opUin });
    const account = this.#deps.accounts.require(request.account, context.caller);
    return { account, ...(await this.#deps.access.authorise(request, account, context)) };
  }

  async #change(run: Run, account: ChangeAccount): Promise<MfaChangeOutcome> {
    const { access, runner, pausedCallers } = this.#deps;
    const { request, context, progress } = run;
    const { opUin } = request;
    const replayed = await this.#replay(request, context);
    progress.shared = replayed !== undefined;
    if (replayed !== undefined) return outcomeOf(replayed);
    await pausedCallers.requireResumed(context.caller, opUin);
    return runner.run(run, account, {
      permit: () => access.authorise(request, account, context),
      record: (prepared) => this.#begin(run, account.name, prepared),
      answer: async ({ kind, id }) => {
        if (kind === "PAUSED" || kind === "PAUSES") return pausedCallers.refuse(context.caller, opUin, kind);
        if (kind === "KEY_REUSED") throw new GatewayError("IDEMPOTENCY_KEY_REUSED", { opUin, changeId: id });
        if (kind === "FULL")
          throw new GatewayError("CHANGE_IN_PROGRESS", { opUin, changeId: id, hint: MANY_WAIT });
        // What awaits approval is read back as well: until when, the database's clock has said.
        progress.shared = kind !== "AWAITING";
        return outcomeOf(await runner.awaitShared(id, context));
      },
    });
  }

  /** What the idempotency key already stands for. */
  async #replay(request: MfaChangeRequest, context: MfaChangeContext): Promise<ChangeRecord | undefined> {
    if (context.idempotencyKey === undefined) return undefined;
    const { log, runner } = this.#deps;
    const earlier = await log.findByIdempotencyKey(recordedCaller(context.caller), context.idempotencyKey);
    if (earlier === undefined) return undefined;
    if (earlier.requestHash !== hashOf(request)) {
      throw new GatewayError("IDEMPOTENCY_KEY_REUSED", { opUin: request.opUin, changeId: earlier.id });
    }
    return runner.awaitShared(earlier.id, context);
  }

  #begin(
    { request, context }: Run,
    account: string,
    { before, flagSets, permission: { approval }, leaseMs, basis }: Prepared,
  ): Promise<BeginVerdict> {
    const { opUin, login, action, overwriteOtherMethods, reason } = request;
    const intent = {
      account,
      opUin,
      caller: recordedCaller(context.caller),
      gatewayRequestId: context.requestId,
      requested: { login, action, overwriteOtherMethods },
      reason,
      requestHash: hashOf(request),
      idempotencyKey: context.idempotencyKey,
      before,
      sent: flagSets,
      leaseMs,
      approvalMs: approval && approval.expiresInMinutes * 60_000,
    };
    return this.#deps.log.begin(intent, basis);
  }
}

/** Requests that await approval are one where they do the same, whatever reason they give, as begin_change has it. */
function effectOf(request: MfaChangeRequest): string {
  return hashOf({ ...request, reason: request.reason && "given" });
}
