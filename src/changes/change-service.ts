import { hash } from "node:crypto";
import type { ChangeLog } from "../audit/change-log.ts";
import type {
  BeforeImageAge,
  BeginVerdict,
  ChangeRecord,
  ChangeSettlement,
  RecordedCaller,
} from "../audit/change-record.ts";
import { DEFAULT_ACCOUNT } from "../auth/account-name.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import type { SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, isCamErrorCode } from "../contract/index.ts";
import type { WriteEffort, WriteOutcome } from "./block-writer.ts";
import type { ChangeAccess } from "./change-access.ts";
import type { ChangeAccount } from "./change-account.ts";
import { asksForSomething, composeBlocks } from "./compose-blocks.ts";
import { failureFactsOf } from "./failure-facts.ts";
import { turnsOffLastMethod } from "./last-method.ts";
import type { ChangeObserver, MfaChangeContext, MfaChangeOutcome, MfaChangeRequest } from "./mfa-change.ts";
import { RecordedFailure } from "./recorded-failure.ts";
import { type AccountUser, keyOf, UserTurns } from "./user-turns.ts";

export interface ChangeServiceDeps {
  /** Without it whoever reaches this door may make any change. */
  readonly access?: Pick<ChangeAccess, "authorise" | "requireNotOwn">;
  readonly accounts: Pick<Accounts<ChangeAccount>, "require">;
  readonly log: Pick<ChangeLog, "begin" | "settle" | "find" | "findByIdempotencyKey">;
  readonly clock: Clock;
  readonly observer?: ChangeObserver;
}

/** How long after its deadline a change is left to its replica before another takes it over. */
const LEASE_GRACE_MS = 10_000;

/** An outcome that is unknown at the deadline is looked at again when no request can still be on its way. */
const LOOK_AGAIN_AFTER_MS = 10_000;

/** More users than change within minutes of each other. */
const REMEMBERED_USERS = 10_000;

/** How often a change that another replica holds is looked at. */
const POLL_MS = 100;

/**
 * The one door for writes: read what is, compose full blocks, put the intent on record, send them, find out what
 * became of them, and put that on record.
 */
export class ChangeService {
  readonly #deps: ChangeServiceDeps;
  readonly #turns: UserTurns;
  readonly #inFlight = new Map<string, Promise<MfaChangeOutcome>>();
  /** The last change of a user that this replica finished: what it reads afterwards is known to come after. */
  readonly #lastFinished = new Map<string, string>();

  constructor(deps: ChangeServiceDeps) {
    this.#deps = deps;
    this.#turns = new UserTurns(deps.clock);
  }

  /**
   * Sets the protections of one sub-user. The same change already in flight, here or in another replica, is
   * joined. Once begun it goes on, whether or not the caller still waits.
   *
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT, PROTECTED_USER, REASON_REQUIRED, NOTHING_TO_CHANGE, MFA_METHOD_NOT_WRITABLE,
   *   CHANGE_IN_PROGRESS, QUOTA_EXHAUSTED, STORE_UNAVAILABLE, IDEMPOTENCY_KEY_REUSED: nothing was sent.
   * @throws CamError where CAM could not be read before the change; nothing was sent.
   * @throws RecordedFailure for a change that is on record.
   */
  async setSubUserMfa(request: MfaChangeRequest, context: MfaChangeContext): Promise<MfaChangeOutcome> {
    const beganMs = this.#deps.clock.monotonic();
    const progress: Progress = { shared: false };
    const result = await this.#authorise(request, context)
      .then((account) => this.#join(request, account, context, progress))
      .then(
        (outcome) => ({ outcome }),
        (error: unknown) => ({ error, facts: failureFactsOf(error) }),
      );
    const changeId = "outcome" in result ? result.outcome.changeId : result.facts?.changeId;
    const durationMs = this.#deps.clock.monotonic() - beganMs;
    const { shared, blocks } = progress;
    this.#deps.observer?.onChange({ request, context, shared, blocks, changeId, result, durationMs });
    if ("outcome" in result) return result.outcome;
    throw result.error;
  }

  /** Resolves when no change is under way; each ends by its deadline. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight.values());
  }

  /** Whoever may not make a change shares in no other's either, and learns nothing from the record. */
  async #authorise(request: MfaChangeRequest, context: MfaChangeContext): Promise<ChangeAccount> {
    if (!asksForSomething(request)) throw new GatewayError("NOTHING_TO_CHANGE", { opUin: request.opUin });
    const account = this.#deps.accounts.require(request.account, context.caller);
    const permission = await this.#deps.access?.authorise(request, account, context);
    if (permission?.approval === undefined) return account;
    const hint = `The rule ${permission.approval.ruleId} allows it with another caller's approval alone.`;
    throw new GatewayError("FORBIDDEN", { opUin: request.opUin, hint });
  }

  /** The same change in flight in this process, or a new one. */
  #join(
    request: MfaChangeRequest,
    account: ChangeAccount,
    context: MfaChangeContext,
    progress: Progress,
  ): Promise<MfaChangeOutcome> {
    const user = { account: account.name, opUin: request.opUin };
    const key = `${hashOf(request)} ${context.caller.subject} ${context.idempotencyKey ?? ""}`;
    const same = this.#inFlight.get(key);
    progress.shared = same !== undefined;
    if (same !== undefined) return same;
    const change = this.#turns
      .run(user, context.deadlineMs, () => this.#change(request, account, context, progress))
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, change);
    return change;
  }

  async #change(
    request: MfaChangeRequest,
    account: ChangeAccount,
    context: MfaChangeContext,
    progress: Progress,
  ): Promise<MfaChangeOutcome> {
    const replayed = await this.#replay(request, context);
    progress.shared = replayed !== undefined;
    if (replayed !== undefined) return outcomeOf(replayed);
    const user = { account: account.name, opUin: request.opUin };
    let knownLatest = this.#lastFinished.get(keyOf(user));
    for (;;) {
      const intent = await this.#prepare(request, account, context);
      progress.blocks = intent.blocks;
      const ageMs = this.#deps.clock.monotonic() - intent.readAtMs;
      const verdict = await this.#begin(request, account.name, context, intent, { knownLatest, ageMs });
      switch (verdict.kind) {
        case "BEGUN":
          return this.#carryOut(verdict.id, request, account, context, intent);
        case "JOIN":
        case "REPLAY":
          progress.shared = true;
          return outcomeOf(await this.#awaitSettled(verdict.id, context));
        case "KEY_REUSED":
          throw new GatewayError("IDEMPOTENCY_KEY_REUSED", { opUin: request.opUin, changeId: verdict.id });
        case "BUSY":
          await this.#awaitSettled(verdict.id, context);
          break;
        case "STALE":
          break;
      }
      // What was read before is no longer so: read again, which comes after that change.
      knownLatest = verdict.id;
    }
  }

  /** What the idempotency key already stands for. */
  async #replay(request: MfaChangeRequest, context: MfaChangeContext): Promise<ChangeRecord | undefined> {
    if (context.idempotencyKey === undefined) return undefined;
    const { log } = this.#deps;
    const earlier = await log.findByIdempotencyKey(context.caller.subject, context.idempotencyKey);
    if (earlier === undefined) return undefined;
    if (earlier.requestHash !== hashOf(request)) {
      throw new GatewayError("IDEMPOTENCY_KEY_REUSED", { opUin: request.opUin, changeId: earlier.id });
    }
    return this.#awaitSettled(earlier.id, context);
  }

  async #prepare(
    request: MfaChangeRequest,
    account: ChangeAccount,
    context: MfaChangeContext,
  ): Promise<Prepared> {
    const readAtMs = this.#deps.clock.monotonic();
    const { output: before } = await account.writer.read(request.opUin, context);
    // Where the reading was refused for its key, another has come into its place.
    await this.#deps.access?.requireNotOwn(request, account, context);
    const blocks = composeBlocks(request, before);
    if (request.reason === undefined && turnsOffLastMethod(before, blocks)) {
      const hint = "It switches off the last method of this user.";
      throw new GatewayError("REASON_REQUIRED", { opUin: request.opUin, hint });
    }
    return { readAtMs, before, blocks };
  }

  #begin(
    request: MfaChangeRequest,
    account: string,
    context: MfaChangeContext,
    { before, blocks }: Prepared,
    age: BeforeImageAge,
  ): Promise<BeginVerdict> {
    const { opUin, login, action, overwriteOtherMethods, reason } = request;
    const leaseMs = Math.max(0, context.deadlineMs - this.#deps.clock.monotonic()) + LEASE_GRACE_MS;
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
      sent: blocks,
      leaseMs,
    };
    return this.#deps.log.begin(intent, age);
  }

  async #carryOut(
    changeId: string,
    request: MfaChangeRequest,
    { name: account, writer }: ChangeAccount,
    context: MfaChangeContext,
    { blocks }: Prepared,
  ): Promise<MfaChangeOutcome> {
    const effort: WriteEffort = { attempts: 0, quotaWaitMs: 0 };
    const written = await writer.write(blocks, context, effort).then(
      (outcome) => ({ outcome: { changeId, ...outcome } }),
      (error: unknown) => ({ error }),
    );
    await this.#settle(changeId, context, { ...settlementOf(written), ...effort });
    this.#remember({ account, opUin: request.opUin }, changeId);
    if ("outcome" in written) return written.outcome;
    throw new RecordedFailure(changeId, written);
  }

  /**
   * Records the outcome. Where the store does not answer, it is tried again until the deadline and then left to
   * the reconciler, which finds the outcome out anew: what the caller is told is true all the same.
   */
  async #settle(changeId: string, context: MfaChangeContext, settlement: ChangeSettlement): Promise<void> {
    const { log, clock, observer } = this.#deps;
    for (;;) {
      try {
        await log.settle(changeId, settlement);
        return;
      } catch (error) {
        if (clock.monotonic() + POLL_MS >= context.deadlineMs) {
          observer?.onUnsettled(changeId, error);
          return;
        }
        await clock.sleep(POLL_MS);
      }
    }
  }

  /** The record once its outcome is known, or known to be unknown. @throws GatewayError CHANGE_IN_PROGRESS at the deadline. */
  async #awaitSettled(changeId: string, context: MfaChangeContext): Promise<ChangeRecord> {
    const { log, clock } = this.#deps;
    for (;;) {
      const record = await log.find(changeId);
      if (record !== undefined && record.status !== "pending") return record;
      if (clock.monotonic() + POLL_MS >= context.deadlineMs) {
        throw new GatewayError("CHANGE_IN_PROGRESS", { changeId, opUin: record?.opUin });
      }
      await clock.sleep(POLL_MS);
    }
  }

  #remember(user: AccountUser, changeId: string): void {
    this.#lastFinished.delete(keyOf(user));
    this.#lastFinished.set(keyOf(user), changeId);
    if (this.#lastFinished.size <= REMEMBERED_USERS) return;
    const [oldest] = this.#lastFinished.keys();
    if (oldest !== undefined) this.#lastFinished.delete(oldest);
  }
}

/** How far a request has come, for the report. */
interface Progress {
  shared: boolean;
  blocks?: SetMfaFlagInput;
}

/** What is at hand when the intent is put on record. */
interface Prepared {
  readonly before: SafeAuthFlags;
  readonly blocks: SetMfaFlagInput;
  /** Monotonic milliseconds at which the reading of `before` began. */
  readonly readAtMs: number;
}

type Written = { readonly outcome: WriteOutcome } | { readonly error: unknown };

function settlementOf(written: Written): Omit<ChangeSettlement, "attempts" | "quotaWaitMs"> {
  if ("outcome" in written) {
    const { resolvedBy, camRequestId } = written.outcome;
    return { status: "applied", resolvedBy, camRequestId };
  }
  const facts = failureFactsOf(written.error);
  // What nobody raised deliberately says nothing of what CAM did.
  const unknown = facts === undefined || facts.code === "OUTCOME_UNKNOWN";
  return {
    status: unknown ? "unknown" : "refused",
    code: facts?.code ?? "INTERNAL",
    camCode: facts?.cam?.code,
    camAction: facts?.cam?.action,
    camRequestId: facts?.cam?.requestId,
    ...(facts?.cam === undefined ? {} : { resolvedBy: "REPLY" }),
    ...(unknown ? { lookAgainAfterMs: LOOK_AGAIN_AFTER_MS } : {}),
  };
}

/** What the record of an earlier or foreign change says, as if it had been made here. */
function outcomeOf(record: ChangeRecord): MfaChangeOutcome {
  const { id: changeId, status, resolvedBy, code, camCode, camAction, camRequestId } = record;
  if (status === "applied" && resolvedBy !== undefined) {
    return { changeId, resolvedBy, camRequestId: camRequestId ?? "" };
  }
  const cam =
    camCode === undefined
      ? undefined
      : { code: camCode, action: camAction ?? "", requestId: camRequestId ?? "" };
  throw new RecordedFailure(changeId, {
    facts: { code: isCamErrorCode(code) ? code : "OUTCOME_UNKNOWN", cam },
  });
}

/** Without what else is known of a caller, such as what they may do. */
function recordedCaller({ subject, client, issuer }: CallerIdentity): RecordedCaller {
  return { subject, client, issuer };
}

/**
 * Equal requests have equal hashes, in every replica. The default account is in none, as it was before there were
 * others: a repetition finds what was recorded then.
 */
function hashOf({ account, opUin, login, action, overwriteOtherMethods, reason }: MfaChangeRequest): string {
  const methods = (of: typeof login) => [of?.phone ?? null, of?.stoken ?? null, of?.wechat ?? null];
  const identity = JSON.stringify([
    opUin,
    methods(login),
    methods(action),
    overwriteOtherMethods,
    reason ?? null,
    ...(account === undefined || account === DEFAULT_ACCOUNT ? [] : [account]),
  ]);
  return hash("sha256", identity);
}
