import type { ChangeLog } from "../audit/change-log.ts";
import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import type { CamResult, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { Rounds } from "../rounds.ts";
import type { ChangeAccount } from "./change-account.ts";
import { matchesBlocks } from "./compose-blocks.ts";
import { failureFactsOf } from "./failure-facts.ts";

export interface ReconcilerDeps {
  readonly log: ChangeLog;
  readonly account: Pick<ChangeAccount, "name" | "writer">;
  readonly clock: Clock;
  /** How long one reading of a user may take. */
  readonly deadlineMs: number;
  readonly observer?: ReconcilerObserver;
}

export interface ReconcilerObserver {
  onSettled(record: ChangeRecord, settlement: ChangeSettlement): void;
  /** A round that could not be made, for example because the store does not answer. */
  onError(error: unknown): void;
}

const INTERVAL_MS = 1_000;
const RECORDS_PER_ROUND = 20;

/** A user that cannot be read is looked at again after the age of the change, within these bounds. */
const LOOK_AGAIN_MIN_MS = 5_000;
const LOOK_AGAIN_MAX_MS = 60_000;

/** After a day of trying, what is not known stays so. */
const GIVE_UP_AFTER_MS = 24 * 60 * 60 * 1_000;

/**
 * Settles what nobody waits for any more: changes whose replica died, and outcomes that could not be found out
 * in time. Each replica runs one for each account, so that none waits for a CAM that is away; the log hands every such
 * record to one of them at a time.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #rounds: Rounds;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#rounds = new Rounds(deps.clock, () => this.#round());
  }

  start(): void {
    this.#rounds.start();
  }

  /** Resolves when the round under way is over. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Settles what is due now. Returns how many records were looked at. */
  async settleDue(): Promise<number> {
    const { log, account, deadlineMs } = this.#deps;
    const due = await log.takeOver(account.name, RECORDS_PER_ROUND, deadlineMs + LOOK_AGAIN_MIN_MS);
    await Promise.all(due.map((record) => this.#settle(record)));
    return due.length;
  }

  async #round(): Promise<number> {
    const looked = await this.settleDue().catch((error: unknown) => {
      this.#deps.observer?.onError(error);
      return 0;
    });
    return looked < RECORDS_PER_ROUND ? INTERVAL_MS : 0;
  }

  async #settle(record: ChangeRecord): Promise<void> {
    const settlement = await this.#findOut(record);
    if (await this.#deps.log.settle(record.id, settlement))
      this.#deps.observer?.onSettled(record, settlement);
  }

  async #findOut(record: ChangeRecord): Promise<ChangeSettlement> {
    const nothingMore = { attempts: 0, quotaWaitMs: 0 };
    // It is handed out only when its time is over, and nothing was ever sent.
    if (record.status === "awaiting_approval") {
      return { status: "refused", code: "APPROVAL_EXPIRED", ...nothingMore };
    }
    const unknown = { status: "unknown", code: "OUTCOME_UNKNOWN", ...nothingMore } as const;
    // A later change has written over whatever this one did.
    if (await this.#deps.log.isSuperseded(record)) return unknown;
    try {
      const { output, requestId } = await this.#read(record);
      // Again, for a later change may have begun before the user was read.
      if (await this.#deps.log.isSuperseded(record)) return unknown;
      const applied = matchesBlocks(output, record.sent as SetMfaFlagInput);
      return {
        status: applied ? "applied" : "refused",
        ...(applied ? {} : { code: "CHANGE_NOT_APPLIED" }),
        resolvedBy: "READ_BACK",
        camAction: "DescribeSafeAuthFlagColl",
        camRequestId: requestId,
        ...nothingMore,
      };
    } catch (error) {
      const facts = failureFactsOf(error);
      if (facts?.code === "USER_NOT_EXIST") {
        return { status: "refused", code: facts.code, camCode: facts.cam?.code, ...nothingMore };
      }
      const ageMs = this.#deps.clock.now() - record.createdAt.getTime();
      if (ageMs > GIVE_UP_AFTER_MS) return unknown;
      const lookAgainAfterMs = Math.min(LOOK_AGAIN_MAX_MS, Math.max(LOOK_AGAIN_MIN_MS, ageMs));
      return { ...unknown, lookAgainAfterMs };
    }
  }

  #read(record: ChangeRecord): Promise<CamResult<SafeAuthFlags>> {
    const deadlineMs = this.#deps.clock.monotonic() + this.#deps.deadlineMs;
    return this.#deps.account.writer.read(record.opUin, { deadlineMs, requestId: record.gatewayRequestId });
  }
}
