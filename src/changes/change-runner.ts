import type { ChangeLog } from "../audit/change-log.ts";
import type { BeforeImageBasis, ChangeRecord, ChangeSettlement, Settled } from "../audit/change-record.ts";
import type { Permission } from "../auth/policy/decide-access.ts";
import type { SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { ChangeAccess } from "./change-access.ts";
import type { ChangeAccount } from "./change-account.ts";
import { composeFlagSets, matchesFlagSets } from "./compose-flag-sets.ts";
import type { WriteEffort } from "./flag-writer.ts";
import {
  asIfApplied,
  type KnownFlags,
  mayBeAnother,
  trailingUnknown,
  withRecentWrites,
} from "./known-flags.ts";
import { turnsOffLastMethod } from "./last-method.ts";
import type { ChangeObserver, MfaChangeContext, MfaChangeOutcome, MfaChangeRequest } from "./mfa-change.ts";
import type { RecentWrites } from "./recent-writes.ts";
import { settlementOf } from "./recorded-change.ts";
import { RecordedFailure } from "./recorded-failure.ts";
import { type AccountUser, UserLock } from "./user-lock.ts";

export interface ChangeRunnerDeps {
  readonly access: Pick<ChangeAccess, "requireNotOwn">;
  readonly log: Pick<ChangeLog, "settle" | "find" | "recentWrites">;
  readonly recentWrites: RecentWrites;
  readonly clock: Clock;
  readonly observer?: Pick<ChangeObserver, "onUnsettled">;
}

/** How far a request has come, for the report. */
export interface Progress {
  /** Whether the change was made for this request, or for an earlier one whose outcome it shares. */
  shared: boolean;
  flagSets?: SetMfaFlagInput;
}

/** What is at hand when a change is put on record. */
export interface Prepared {
  /** The user as CAM showed them, with our own recent writes. */
  readonly before: KnownFlags;
  readonly flagSets: SetMfaFlagInput;
  /** Whether a reading that shows the flag sets can show nothing from before the change. */
  readonly readsProve: boolean;
  /** What the policy says of the change, by the user as they were read beside the flags. */
  readonly permission: Permission;
  /** For how long the record leaves the change to this replica. */
  readonly leaseMs: number;
  readonly basis: BeforeImageBasis;
}

/** What is different between a change that is asked for and one that is approved. */
export interface RunSteps<Verdict extends RunVerdict> {
  /** Decides again whether the change may be made, as what was known before it waited for its turn may be old. */
  readonly permit: () => Promise<Permission>;
  /** Puts the change on record, or says why not. */
  readonly record: (prepared: Prepared) => Promise<Verdict>;
  readonly answer: (verdict: Verdict) => Promise<MfaChangeOutcome>;
}

/** Whether a change is on record, and may go on. */
interface RunVerdict {
  readonly kind: string;
  readonly id: string;
}

/** How long after its deadline a change is left to its replica before another takes it over. */
const LEASE_GRACE_MS = 10_000;

/** How often a user is read again because another change of theirs was quicker. */
const MAX_REREADS = 5;

/** How often a change that another replica holds is looked at. */
const POLL_MS = 100;

/**
 * Runs changes, whoever let them go: read what is, compose full flag sets, put that on record, send them, find out what
 * became of them, and put that on record. One change of a user at a time.
 */
export class ChangeRunner {
  readonly #deps: ChangeRunnerDeps;
  readonly #turns: UserLock;
  readonly #inFlight = new Map<string, Promise<MfaChangeOutcome>>();

  constructor(deps: ChangeRunnerDeps) {
    this.#deps = deps;
    this.#turns = new UserLock(deps.clock);
  }

  /** Resolves when no change is under way; each ends by its deadline. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight.values());
  }

  /** What is in flight in this process under the same key, or `work` when it is the user's turn. */
  join(
    key: string,
    { request: { opUin }, context, progress }: Run,
    account: ChangeAccount,
    work: () => Promise<MfaChangeOutcome>,
  ): Promise<MfaChangeOutcome> {
    const same = this.#inFlight.get(key);
    progress.shared = same !== undefined;
    if (same !== undefined) return same;
    const change = this.#turns
      .run({ account: account.name, opUin }, context, work)
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, change);
    return change;
  }

  /**
   * Carries a change out that `record` says has BEGUN. While it says that a recent write was left out of what was composed
   * (STALE), or that another change is open (BUSY), the recent writes are fetched and the user is read again; what else it
   * says is handed to `answer`.
   *
   * @throws GatewayError CHANGE_IN_PROGRESS where other changes of the user are quicker each time.
   */
  async run<Verdict extends RunVerdict>(
    { request, context, progress }: Run,
    account: ChangeAccount,
    { permit, record, answer }: RunSteps<Verdict>,
  ): Promise<MfaChangeOutcome> {
    const { opUin } = request;
    for (let rereads = 0; ; rereads++) {
      const prepared = await this.#prepare(request, account, context, permit);
      progress.flagSets = prepared.flagSets;
      const verdict = await record(prepared);
      if (verdict.kind === "BEGUN") return this.#carryOut(verdict.id, prepared, account, context);
      if (verdict.kind !== "BUSY" && verdict.kind !== "STALE") return answer(verdict);
      if (rereads >= MAX_REREADS) {
        throw new GatewayError("CHANGE_IN_PROGRESS", { opUin, changeId: verdict.id });
      }
      if (verdict.kind === "BUSY") await this.awaitSettled(verdict.id, context);
      await this.#fetchRecent({ account: account.name, opUin });
    }
  }

  /** The record of a change that another request, or another replica, makes, once it is not under way. */
  async awaitShared(changeId: string, context: MfaChangeContext): Promise<ChangeRecord> {
    const record = await this.awaitSettled(changeId, context);
    // So that the user is not shown from before it.
    if (record.status === "applied") await this.#fetchRecent(record);
    return record;
  }

  /** The record once it is not under way. @throws GatewayError CHANGE_IN_PROGRESS at the deadline. */
  async awaitSettled(changeId: string, { deadlineMs }: MfaChangeContext): Promise<ChangeRecord> {
    const { log, clock } = this.#deps;
    for (;;) {
      const record = await log.find(changeId);
      if (record !== undefined && record.status !== "pending") return record;
      if (clock.monotonic() + POLL_MS >= deadlineMs) {
        throw new GatewayError("CHANGE_IN_PROGRESS", { changeId, opUin: record?.opUin });
      }
      await clock.sleep(POLL_MS);
    }
  }

  async #prepare(
    request: MfaChangeRequest,
    account: ChangeAccount,
    context: MfaChangeContext,
    permit: () => Promise<Permission>,
  ): Promise<Prepared> {
    const { access, clock, recentWrites } = this.#deps;
    const { opUin } = request;
    const readAtMs = clock.monotonic();
    const { known, writes } = recentWrites.of({ account: account.name, opUin });
    const asOf = new Date(clock.now()).toISOString();
    const reading = account.writer.read(opUin, { ...context, forWrite: true });
    // A refusal is told even where the user cannot be read, and nothing waits for the reading then.
    reading.catch(() => undefined);
    const permission = await permit();
    const { output } = await reading;
    // Where the reading was refused for its key, another has come into its place.
    await access.requireNotOwn(request, account, context);
    const before = withRecentWrites({ ...output, asOf }, writes);
    const maybe = trailingUnknown(writes);
    const flagSets = composeFlagSets(
      request,
      before,
      maybe.map(({ sent }) => sent),
    );
    const images = [output, before, ...maybe.map((write) => asIfApplied(before, write))];
    if (request.reason === undefined && images.some((image) => turnsOffLastMethod(image, flagSets))) {
      const hint = "It switches off the last method of this user.";
      throw new GatewayError("REASON_REQUIRED", { opUin, hint });
    }
    const over = writes.slice(0, writes.length - maybe.length).map(({ sent }) => sent);
    const shownBefore = [output, ...over, ...writes.map((write) => write.before)];
    const nowMs = clock.monotonic();
    return {
      ...{ before, flagSets, permission },
      readsProve: matchesFlagSets(before, flagSets) || !mayBeAnother(flagSets, shownBefore),
      leaseMs: Math.max(0, context.deadlineMs - nowMs) + LEASE_GRACE_MS,
      basis: { known, ageMs: nowMs - readAtMs },
    };
  }

  async #carryOut(
    changeId: string,
    { before, flagSets, readsProve }: Prepared,
    { name: account, writer }: ChangeAccount,
    context: MfaChangeContext,
  ): Promise<MfaChangeOutcome> {
    const { opUin } = flagSets;
    const { recentWrites } = this.#deps;
    const effort: WriteEffort = { attempts: 0, quotaWaitMs: 0 };
    const written = await writer.write(flagSets, context, { readsProve, effort }).then(
      (outcome) => ({ outcome: { changeId, ...outcome } }),
      (error: unknown) => ({ error }),
    );
    const settlement = { ...settlementOf(written), ...effort };
    const { status } = settlement;
    const settled = await this.#settle(changeId, context, settlement);
    if (settled === undefined) recentWrites.forget({ account, opUin });
    else if (status !== "refused") {
      const { settleOrder, at: finishedAt } = settled;
      recentWrites.add(
        { account, opUin },
        { ...{ changeId, status, finishedAt, settleOrder, before }, sent: flagSets },
      );
    }
    if ("outcome" in written) return written.outcome;
    throw new RecordedFailure({ id: changeId, opUin }, written);
  }

  async #fetchRecent(user: AccountUser): Promise<void> {
    const { log, recentWrites } = this.#deps;
    recentWrites.replace(user, await log.recentWrites(user.account, user.opUin));
  }

  /**
   * Records the outcome. Where the store does not answer, it is tried again until the deadline and then left to
   * the reconciler, which finds the outcome out anew: what the caller is told is true all the same.
   */
  async #settle(
    changeId: string,
    context: MfaChangeContext,
    settlement: ChangeSettlement,
  ): Promise<Settled | undefined> {
    const { log, clock, observer } = this.#deps;
    for (;;) {
      try {
        return await log.settle(changeId, settlement);
      } catch (error) {
        if (clock.monotonic() + POLL_MS >= context.deadlineMs) {
          observer?.onUnsettled(changeId, error);
          return undefined;
        }
        await clock.sleep(POLL_MS);
      }
    }
  }
}

/** One request on its way. */
export interface Run {
  readonly request: MfaChangeRequest;
  readonly context: MfaChangeContext;
  readonly progress: Progress;
}
