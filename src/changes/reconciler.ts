import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import type { ChangeStore } from "../audit/change-store.ts";
import type { DueChanges } from "../audit/due-changes.ts";
import {
  agreeOnKnownMethods,
  matchesFlagSets,
  type SafeAuthFlags,
  type SetMfaFlagInput,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { Poller } from "../poller.ts";
import type { ChangeAccount } from "./change-access.ts";
import { isAmbiguous, type KnownWrite } from "./changes-of-user.ts";
import { failureOf } from "./failure.ts";

interface ReconcilerDeps {
  readonly changeStore: Pick<ChangeStore, "claim" | "settle" | "otherWrites">;
  readonly due: Pick<DueChanges, "has">;
  readonly account: Pick<ChangeAccount, "name" | "mfaFlags">;
  readonly clock: Clock;
  /** The time for one read of a user. */
  readonly timeLimitMs: number;
  readonly observer?: ReconcilerObserver;
}

interface ReconcilerObserver {
  /** The status of a change became known, or the change was sealed with its outcome unknown. */
  onSettled(record: ChangeRecord, settlement: ChangeSettlement): void;
  /** A change of unknown outcome took effect after CAM had received a later one. It may have undone the later one. */
  onAppliedLate(record: ChangeRecord): void;
  /** A round failed, for example because the store does not answer. */
  onError(error: unknown): void;
}

/** Sends the flag sets of a change again. Returns the outcome, or undefined if it may not. */
type RepeatWrite = () => Promise<ChangeSettlement | undefined>;

const IDLE_INTERVAL_MS = 1_000;

/**
 * The least time between two reads of an account's reconcilers, over all replicas: less than two reads a second, even
 * if one is late.
 */
const READ_INTERVAL_MS = 600;

/** Longer than the time from the end of a read until its result is on record. */
const LEASE_GRACE_MS = 5_000;

/**
 * Settles changes for which no caller waits any more: those whose replica died, and those of unknown outcome.
 * docs/iam/outcomes.md says what proves an outcome. The database decides when the next read is due. Each replica runs
 * one reconciler for each account, so a slow CAM of one account does not delay the others. One reconciler at a time
 * claims a change.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #poller: Poller;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#poller = new Poller(deps.clock, () => this.#round());
  }

  start(): void {
    this.#poller.start();
  }

  /** Resolves when the round in progress has ended. */
  stop(): Promise<void> {
    return this.#poller.stop();
  }

  /**
   * Settles the expired requests for approval, and reads the user of one change that is due and settles it. Returns the
   * number of changes taken.
   */
  async settleDue(): Promise<number> {
    const { changeStore, account, timeLimitMs } = this.#deps;
    const due = await changeStore.claim(account.name, 1, timeLimitMs + LEASE_GRACE_MS, READ_INTERVAL_MS);
    for (const record of due) await this.settle(record);
    return due.length;
  }

  /**
   * Reads the user of a claimed change and records the outcome.
   *
   * @param repeat Called if the read shows the user as before the change.
   */
  async settle(record: ChangeRecord, repeat?: RepeatWrite): Promise<void> {
    const { changeStore, observer } = this.#deps;
    const { late, ...settlement } = await this.#resolveOutcome(record, repeat);
    const settled = await changeStore.settle(record.id, settlement);
    if (settled === undefined) return;
    if (settlement.status !== record.status || settled.sealed) observer?.onSettled(record, settlement);
    if (late) observer?.onAppliedLate(record);
  }

  async #round(): Promise<number> {
    const { account, due, observer } = this.#deps;
    const settled = await due
      .has(account.name)
      .then((isDue) => (isDue ? this.settleDue() : 0))
      .catch((error: unknown) => {
        observer?.onError(error);
        return 0;
      });
    return settled === 0 ? IDLE_INTERVAL_MS : READ_INTERVAL_MS;
  }

  async #resolveOutcome(
    record: ChangeRecord,
    repeat: RepeatWrite | undefined,
  ): Promise<ChangeSettlement & { readonly late?: boolean }> {
    const cost = { attempts: 0, quotaWaitMs: 0 };
    // The store gives out a change that awaits approval only when its time is over. The gateway never sent it.
    if (record.status === "awaiting_approval") {
      return { status: "refused", code: "APPROVAL_EXPIRED", ...cost };
    }
    const unknown = { status: "unknown", code: "OUTCOME_UNKNOWN", ...cost } as const;
    const { mfaFlags } = this.#deps.account;
    try {
      const deadlineMs = this.#deps.clock.monotonic() + this.#deps.timeLimitMs;
      const { output, camRequestId } = await mfaFlags.readAtBulkPriority(
        record.opUin,
        record.gatewayRequestId,
        deadlineMs,
      );
      const evidence = await this.#evidenceIn(record, output);
      if (evidence === "nothing") {
        const mayRepeat = repeat !== undefined && agreeOnKnownMethods(record.before as SafeAuthFlags, output);
        return (mayRepeat ? await repeat() : undefined) ?? { ...unknown, readBack: true };
      }
      const late = evidence === "applied late";
      const camAction = "DescribeSafeAuthFlagColl";
      return {
        ...{
          status: "applied",
          resolvedBy: "READ_BACK",
          camAction,
          camRequestId,
          readBack: true,
          late,
        },
        ...cost,
      };
    } catch (error) {
      // USER_NOT_EXIST counts as a read too. It does not prove whether CAM applied the change before.
      return { ...unknown, readBack: failureOf(error)?.code === "USER_NOT_EXIST" };
    }
  }

  /** Returns what a read of the user proves about the outcome of a change. */
  async #evidenceIn(
    record: ChangeRecord,
    reading: SafeAuthFlags,
  ): Promise<"nothing" | "applied" | "applied late"> {
    // ChangeRecorder wrote both.
    const [before, sent] = [record.before, record.sent] as [KnownWrite["before"], Partial<SetMfaFlagInput>];
    if (!matchesFlagSets(reading, sent)) return "nothing";
    // Query the other writes after the read, so that they include every later change that the read may show.
    const { later, earlier } = await this.#deps.changeStore.otherWrites(record);
    if (isAmbiguous(sent, later)) return "nothing";
    if (!matchesFlagSets(before, sent) && isAmbiguous(sent, earlier)) return "nothing";
    return later.length > 0 ? "applied late" : "applied";
  }
}
