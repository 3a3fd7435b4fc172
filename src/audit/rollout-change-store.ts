import { sql } from "kysely";
import type { Database } from "../database/database.ts";
import { runQuery, SharedStatements } from "../database/statements.ts";
import {
  type BeforeImageBasis,
  type ChangeIntent,
  type ChangeRecord,
  type ChangeRow,
  requireChangeId,
  toChangeRecord,
} from "./change-record.ts";
import { intentColumns, runBegins } from "./change-statements.ts";

/**
 * The verdict on an item. `id` names the change, or else the other change, the pause or the rollout that prevents it.
 * LOST: this process has no lease of the attempt any more, or the rollout does not run. REPLAY: the attempt began
 * before.
 */
export interface RolloutVerdict {
  readonly kind: "BEGUN" | "BUSY" | "STALE" | "PAUSED" | "LOST" | "REPLAY";
  readonly id: string;
}

/** The attempt at an item, with the process that holds its lease. */
interface LeasedAttempt {
  readonly rolloutId: string;
  readonly item: number;
  readonly attempt: number;
  readonly leaseOwner: string;
}

interface Begin {
  readonly intent: ChangeIntent;
  readonly attempt: LeasedAttempt;
  readonly basis: BeforeImageBasis;
}

/** The lane of a rollout in one account, and the process that keeps it. */
interface LeasedLane {
  readonly rolloutId: string;
  readonly account: string;
  readonly leaseOwner: string;
}

/** A change of an item whose outcome is open, claimed by this process. */
export interface OpenItem {
  readonly item: number;
  readonly attempt: number;
  readonly record: ChangeRecord;
  /** The token of the claim: its time, by the clock of the database. */
  readonly claimed: string;
}

interface RolloutChangeStoreDeps {
  readonly database: Database;
  /** The name of this process in the record. */
  readonly replica: string;
}

/** Records the changes of rollouts. Its methods throw the errors of ChangeStore. */
export class RolloutChangeStore {
  readonly #deps: RolloutChangeStoreDeps;
  readonly #begins = new SharedStatements<Begin, RolloutVerdict>({
    runOne: (begin) => this.#beginOne(begin),
    runBatch: (begins) => this.#beginSeveral(begins),
  });

  constructor(deps: RolloutChangeStoreDeps) {
    this.#deps = deps;
  }

  /**
   * Records the intent of an item, or returns the reason why not (see begin_rollout_change in schema/functions.sql).
   * The database adds the plan hash, the caller who started the rollout and the one who approved it. Items that come
   * together share a statement.
   */
  begin(intent: ChangeIntent, attempt: LeasedAttempt, basis: BeforeImageBasis): Promise<RolloutVerdict> {
    return this.#begins.run({ intent, attempt, basis });
  }

  async #beginOne(begin: Begin): Promise<RolloutVerdict> {
    const { intent, attempt, basis } = begin;
    const [row] = await runQuery<RolloutVerdict>(
      this.#deps.database,
      sql`
        select b.verdict as kind, b.change_id as id from begin_rollout_change(
          ${JSON.stringify(this.#columnsOf(begin))}::jsonb, ${attempt.leaseOwner}, ${intent.leaseMs},
          ${basis.lastSettleOrder ?? null}, ${basis.ageMs}
        ) b`,
    );
    if (row === undefined) throw new Error("begin_rollout_change returned no verdict.");
    return row;
  }

  async #beginSeveral(begins: readonly Begin[]): Promise<readonly (RolloutVerdict | undefined)[]> {
    const intents = begins.map((begin, place) => {
      const { intent, attempt, basis } = begin;
      return {
        ...{ ...this.#columnsOf(begin), place, lease_owner: attempt.leaseOwner, lease_ms: intent.leaseMs },
        ...{ known: basis.lastSettleOrder, read_age_ms: basis.ageMs },
      };
    });
    return runBegins(
      this.#deps.database,
      sql`select place, change_id from begin_rollout_changes(${JSON.stringify(intents)}::jsonb)`,
      begins.length,
    );
  }

  #columnsOf({ intent, attempt }: Begin): object {
    return {
      ...intentColumns(intent, this.#deps.replica),
      rollout_id: attempt.rolloutId,
      rollout_item: attempt.item,
      rollout_attempt: attempt.attempt,
    };
  }

  /**
   * Claims changes of a running lane whose outcome is open, and keeps them from reconcilers. Returns none if the process
   * does not keep the lane (see claim_open_items in schema/functions.sql).
   */
  async claimOpen(
    { rolloutId, account, leaseOwner }: LeasedLane,
    limit: number,
    leaseMs: number,
  ): Promise<readonly OpenItem[]> {
    const { database, replica } = this.#deps;
    const rows = await runQuery<ChangeRow & OpenItem>(
      database,
      sql`
        select c.*, c.rollout_item as item, c.rollout_attempt as attempt, c.read_back_at::text as claimed
        from claim_open_items(${rolloutId}, ${account}, ${leaseOwner}, ${replica}, ${limit}, ${leaseMs}) c`,
    );
    return rows.map((row) => {
      const { item, attempt, claimed } = row;
      return { item, attempt, claimed, record: toChangeRecord(row) };
    });
  }

  /**
   * Opens a claimed change again, so that the same flag sets can be sent once more. Returns false if that could undo
   * another change (see reopen_claimed_change in schema/functions.sql).
   */
  async reopen({ record, claimed }: OpenItem, leaseMs: number): Promise<boolean> {
    const { database, replica } = this.#deps;
    const id = requireChangeId(record.id);
    const [row] = await runQuery<{ reopened: boolean }>(
      database,
      sql`select reopen_claimed_change(${id}, ${replica}, ${claimed}::timestamptz, ${leaseMs}) as reopened`,
    );
    return row?.reopened === true;
  }
}
