import { LRUCache } from "lru-cache";
import type { ChangeLog } from "../audit/change-log.ts";
import type { BeforeImageAge, ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import type { SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { WriteEffort } from "./block-writer.ts";
import type { ChangeAccess } from "./change-access.ts";
import type { ChangeAccount } from "./change-account.ts";
import { composeBlocks } from "./compose-blocks.ts";
import { turnsOffLastMethod } from "./last-method.ts";
import type { ChangeObserver, MfaChangeContext, MfaChangeOutcome, MfaChangeRequest } from "./mfa-change.ts";
import { settlementOf } from "./recorded-change.ts";
import { RecordedFailure } from "./recorded-failure.ts";
import { keyOf, UserTurns } from "./user-turns.ts";

export interface ChangeRunnerDeps {
  readonly access: Pick<ChangeAccess, "requireNotOwn">;
  readonly log: Pick<ChangeLog, "settle" | "find">;
  readonly clock: Clock;
  readonly observer?: Pick<ChangeObserver, "onUnsettled">;
}

/** How far a request has come, for the report. */
export interface Progress {
  /** Whether the change was made for this request, or for an earlier one whose outcome it shares. */
  shared: boolean;
  blocks?: SetMfaFlagInput;
}

/** What is at hand when a change is put on record. */
export interface Prepared {
  readonly before: SafeAuthFlags;
  readonly blocks: SetMfaFlagInput;
  /** For how long the record leaves the change to this replica. */
  readonly leaseMs: number;
  readonly age: BeforeImageAge;
}

/** Whether a change is on record, and may go on. */
interface RunVerdict {
  readonly kind: string;
  readonly id: string;
}

/** How long after its deadline a change is left to its replica before another takes it over. */
const LEASE_GRACE_MS = 10_000;

/** More users than change within minutes of each other. */
const REMEMBERED_USERS = 10_000;

/** How often a change that another replica holds is looked at. */
const POLL_MS = 100;

/**
 * Runs changes, whoever let them go: read what is, compose full blocks, put that on record, send them, find out what
 * became of them, and put that on record. One change of a user at a time.
 */
export class ChangeRunner {
  readonly #deps: ChangeRunnerDeps;
  readonly #turns: UserTurns;
  readonly #inFlight = new Map<string, Promise<MfaChangeOutcome>>();
  /** The last change of a user that this replica finished: what it reads afterwards is known to come after. */
  readonly #lastFinished = new LRUCache<string, string>({ max: REMEMBERED_USERS });

  constructor(deps: ChangeRunnerDeps) {
    this.#deps = deps;
    this.#turns = new UserTurns(deps.clock);
  }

  /** Resolves when no change is under way; each ends by its deadline. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight.values());
  }

  /** What is in flight in this process under the same key, or `work` when it is the user's turn. */
  join(
    key: string,
    { request: { opUin }, context: { deadlineMs }, progress }: Run,
    account: ChangeAccount,
    work: () => Promise<MfaChangeOutcome>,
  ): Promise<MfaChangeOutcome> {
    const same = this.#inFlight.get(key);
    progress.shared = same !== undefined;
    if (same !== undefined) return same;
    const change = this.#turns
      .run({ account: account.name, opUin }, deadlineMs, work)
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, change);
    return change;
  }

  /**
   * Carries a change out that `record` says has BEGUN. While it says that what was read is no longer so (STALE), or that
   * another change is open (BUSY), the user is read again; what else it says is handed to `answer`.
   */
  async run<Verdict extends RunVerdict>(
    { request, context, progress }: Run,
    account: ChangeAccount,
    record: (prepared: Prepared) => Promise<Verdict>,
    answer: (verdict: Verdict) => Promise<MfaChangeOutcome>,
  ): Promise<MfaChangeOutcome> {
    let knownLatest = this.#lastFinished.get(keyOf({ account: account.name, opUin: request.opUin }));
    for (;;) {
      const prepared = await this.#prepare(request, account, context, knownLatest);
      progress.blocks = prepared.blocks;
      const verdict = await record(prepared);
      if (verdict.kind === "BEGUN") return this.#carryOut(verdict.id, prepared.blocks, account, context);
      if (verdict.kind === "BUSY") await this.awaitSettled(verdict.id, context);
      else if (verdict.kind !== "STALE") return answer(verdict);
      // What was read before is no longer so: read again, which comes after that change.
      knownLatest = verdict.id;
    }
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
    knownLatest: string | undefined,
  ): Promise<Prepared> {
    const { access, clock } = this.#deps;
    const readAtMs = clock.monotonic();
    const { output: before } = await account.writer.read(request.opUin, context);
    // Where the reading was refused for its key, another has come into its place.
    await access.requireNotOwn(request, account, context);
    const blocks = composeBlocks(request, before);
    if (request.reason === undefined && turnsOffLastMethod(before, blocks)) {
      const hint = "It switches off the last method of this user.";
      throw new GatewayError("REASON_REQUIRED", { opUin: request.opUin, hint });
    }
    const nowMs = clock.monotonic();
    const leaseMs = Math.max(0, context.deadlineMs - nowMs) + LEASE_GRACE_MS;
    return { before, blocks, leaseMs, age: { knownLatest, ageMs: nowMs - readAtMs } };
  }

  async #carryOut(
    changeId: string,
    blocks: SetMfaFlagInput,
    { name: account, writer }: ChangeAccount,
    context: MfaChangeContext,
  ): Promise<MfaChangeOutcome> {
    const effort: WriteEffort = { attempts: 0, quotaWaitMs: 0 };
    const written = await writer.write(blocks, context, effort).then(
      (outcome) => ({ outcome: { changeId, ...outcome } }),
      (error: unknown) => ({ error }),
    );
    await this.#settle(changeId, context, { ...settlementOf(written), ...effort });
    this.#lastFinished.set(keyOf({ account, opUin: blocks.opUin }), changeId);
    if ("outcome" in written) return written.outcome;
    throw new RecordedFailure({ id: changeId, opUin: blocks.opUin }, written);
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
}

/** One request on its way. */
export interface Run {
  readonly request: MfaChangeRequest;
  readonly context: MfaChangeContext;
  readonly progress: Progress;
}
