import type { ChangeLog } from "../audit/change-log.ts";
import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import type { SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { Poller } from "../poller.ts";
import type { ChangeAccount } from "./change-access.ts";
import { matchesFlagSets } from "./compose-flag-sets.ts";
import { failureOf } from "./failure.ts";
import { type KnownWrite, mayBeAnother } from "./recent-writes.ts";

interface ReconcilerDeps {
  readonly log: Pick<ChangeLog, "claim" | "settle" | "otherWrites">;
  readonly account: Pick<ChangeAccount, "name" | "writer">;
  readonly clock: Clock;
  /** How long one reading of a user may take. */
  readonly deadlineMs: number;
  readonly observer?: ReconcilerObserver;
}

interface ReconcilerObserver {
  /** Something new is known of a change, or nothing more will be. */
  onSettled(record: ChangeRecord, settlement: ChangeSettlement): void;
  /** A change of unknown outcome took effect although CAM has heard of a later one, whose effect it may have undone. */
  onAppliedLate(record: ChangeRecord): void;
  /** A round that could not be made, for example because the store does not answer. */
  onError(error: unknown): void;
}

const INTERVAL_MS = 1_000;

/** Between two looks of an account, whichever replicas make them: less than two a second, however late one arrives. */
const BETWEEN_LOOKS_MS = 600;

/** More than a look takes from its end until it is on record. */
const LEASE_GRACE_MS = 5_000;

/**
 * Finds out what became of changes that nobody waits for any more: those whose replica died, and those of unknown outcome.
 * A reading that shows what a change sent settles it as applied. One that shows something else proves nothing, and the
 * record says when the next one is due. Each replica runs one reconciler for each account, so that none waits for a CAM
 * that does not answer; the log hands every such record to one of them at a time.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #rounds: Poller;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#rounds = new Poller(deps.clock, () => this.#round());
  }

  start(): void {
    this.#rounds.start();
  }

  /** Resolves when the round under way is over. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Settles what is due now, or looks at one user of whom it is not known. Returns how many records that were. */
  async settleDue(): Promise<number> {
    const { log, account, deadlineMs } = this.#deps;
    const due = await log.claim(account.name, 1, deadlineMs + LEASE_GRACE_MS, BETWEEN_LOOKS_MS);
    for (const record of due) await this.#settle(record);
    return due.length;
  }

  async #round(): Promise<number> {
    const settled = await this.settleDue().catch((error: unknown) => {
      this.#deps.observer?.onError(error);
      return 0;
    });
    return settled === 0 ? INTERVAL_MS : BETWEEN_LOOKS_MS;
  }

  async #settle(record: ChangeRecord): Promise<void> {
    const { log, observer } = this.#deps;
    const { late, ...settlement } = await this.#findOut(record);
    const settled = await log.settle(record.id, settlement);
    if (settled === undefined) return;
    if (settlement.status !== record.status || settled.sealed) observer?.onSettled(record, settlement);
    if (late) observer?.onAppliedLate(record);
  }

  async #findOut(record: ChangeRecord): Promise<ChangeSettlement & { readonly late?: boolean }> {
    const effort = { attempts: 0, quotaWaitMs: 0 };
    // It is handed out only when its time is over, and nothing was ever sent.
    if (record.status === "awaiting_approval") {
      return { status: "refused", code: "APPROVAL_EXPIRED", ...effort };
    }
    const unknown = { status: "unknown", code: "OUTCOME_UNKNOWN", ...effort } as const;
    const { writer } = this.#deps.account;
    try {
      const deadlineMs = this.#deps.clock.monotonic() + this.#deps.deadlineMs;
      const { output, camRequestId } = await writer.look(record.opUin, record.gatewayRequestId, deadlineMs);
      const shown = await this.#whatShows(record, output);
      if (shown === "nothing") return { ...unknown, readBack: true };
      const late = shown === "applied late";
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
        ...effort,
      };
    } catch (error) {
      // That CAM has no such user is what a look shows as well: whether the change was applied before, it does not say.
      return { ...unknown, readBack: failureOf(error)?.code === "USER_NOT_EXIST" };
    }
  }

  /** What a reading of the user shows of a change. */
  async #whatShows(
    record: ChangeRecord,
    reading: SafeAuthFlags,
  ): Promise<"nothing" | "applied" | "applied late"> {
    // The runner put both on record.
    const [before, sent] = [record.before, record.sent] as [KnownWrite["before"], Partial<SetMfaFlagInput>];
    if (!matchesFlagSets(reading, sent)) return "nothing";
    // After the reading, so that no later change is missed which it may show.
    const { later, earlier } = await this.#deps.log.otherWrites(record);
    if (mayBeAnother(sent, later)) return "nothing";
    if (!matchesFlagSets(before, sent) && mayBeAnother(sent, earlier)) return "nothing";
    return later.length > 0 ? "applied late" : "applied";
  }
}
