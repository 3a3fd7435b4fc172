import { type RawBuilder, sql } from "kysely";
import type { CallerIdentity } from "../auth/caller.ts";
import type { SafeAuthFlags } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { inMs, NOW, runQuery } from "../database/statements.ts";
import { ITEM_BATCH, itemPages, writeInBatches } from "./item-batches.ts";
import type { PlannedItem, RolloutInput, RolloutPrice, SentFlagSets } from "./rollout.ts";

/** An attempt to make a plan. It is over when the next attempt begins, even in the same process. */
interface PlanAttempt {
  readonly id: string;
  /** The number of the attempt, from 1. */
  readonly attempts: number;
}

/** A rollout that this replica plans. */
export interface PlanningRollout extends PlanAttempt {
  readonly input: RolloutInput;
  readonly accounts: readonly string[];
  readonly undoOf: string | undefined;
  readonly caller: CallerIdentity;
}

export interface FinishedPlan {
  readonly policyHash: string | undefined;
  readonly planHash: string;
  readonly maxFailures: number;
  readonly approvalMinutes: number | undefined;
  readonly price: RolloutPrice;
}

export interface PlanFault {
  readonly code: string;
  readonly camCode?: string | undefined;
  readonly hint?: string | undefined;
}

/** An applied or unknown item of a rollout that another one undoes. */
export interface DoneItem {
  readonly item: number;
  readonly account: string;
  readonly opUin: Uin;
  readonly name: string | undefined;
  readonly state: "applied" | "unknown";
  /** The sealed record of its change. */
  readonly before: SafeAuthFlags;
  readonly sent: SentFlagSets;
  /** Whether the gateway changed the user again. */
  readonly changedAgain: boolean;
}

/**
 * The lease of a plan. The planning replica renews it more often. After it ends, another replica starts the plan again.
 */
export const PLAN_LEASE_MS = 15_000;

/** The time within which a plan can be started. */
const PLAN_EXPIRES_MS = 24 * 3_600_000;

/** The most items in one read of a run, with their records. */
const DONE_BATCH = 1_000;

/** The time for which the items of an expired plan are kept. */
const KEEP_ITEMS_MS = 7 * 24 * 3_600_000;

/** Writes plans. Every time is by the clock of the database. Its methods throw the errors of `runQuery`. */
export class PlanStore {
  readonly #database: Database;
  /** The unique name of this process among those that plan. */
  readonly #owner: string;

  constructor(database: Database, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /**
   * Takes the lease of a plan and deletes the items of an earlier attempt. Returns undefined if another replica has the
   * lease.
   */
  async lease(id: string): Promise<PlanningRollout | undefined> {
    const [row] = await this.#run<PlanningRow>(sql`
      update mfa_rollout set
        plan_owner = ${this.#owner}, plan_lease_until = ${NOW} + ${inMs(PLAN_LEASE_MS)}, plan_attempts = plan_attempts + 1
      where id = ${id} and status = 'planning' and (plan_lease_until is null or plan_lease_until < ${NOW})
      returning id, input, accounts, undo_of, plan_attempts as attempts, caller_subject, caller_client, caller_issuer`);
    if (row === undefined) return undefined;
    await this.#deleteItems(sql`rollout_id = ${id}`);
    const { callerSubject: subject, callerClient: client, callerIssuer: issuer, ...same } = row;
    return { ...same, caller: { subject, client, issuer } };
  }

  /** Returns false if the attempt is over: the rollout is cancelled, or another attempt has begun. */
  async renew(attempt: PlanAttempt): Promise<boolean> {
    const rows = await this.#run(sql`
      update mfa_rollout set plan_lease_until = ${NOW} + ${inMs(PLAN_LEASE_MS)} where ${isCurrentAttempt(attempt)} returning id`);
    return rows.length > 0;
  }

  /** Releases the lease before the end, so that another replica can start the plan again. */
  async release(attempt: PlanAttempt): Promise<void> {
    await this.#run(sql`update mfa_rollout set plan_lease_until = null where ${isCurrentAttempt(attempt)}`);
  }

  /** Adds items. Adds none if the attempt is over. */
  async addItems(attempt: PlanAttempt, items: readonly PlannedItem[]): Promise<void> {
    // The lock makes the next attempt wait, so that it removes these items too.
    await this.#run(sql`
      with ours as (select id from mfa_rollout where ${isCurrentAttempt(attempt)} for share)
      insert into mfa_rollout_item (
        rollout_id, item, account, op_uin, name, before_image, sent, state, code, why, wave
      )
      select ours.id, i.item, i.account, i."opUin", i.name, i.before, i.sent, i.state, i.code, i.why, i.wave
      from ours, jsonb_to_recordset(${JSON.stringify(items)}::jsonb) i (
        item integer, account text, "opUin" text, name text, before jsonb, sent jsonb, state text, code text, why text,
        wave integer
      )`);
  }

  /** Returns false if the attempt is over. */
  async finish(attempt: PlanAttempt, plan: FinishedPlan): Promise<boolean> {
    const { policyHash, planHash, maxFailures, approvalMinutes, price } = plan;
    const rows = await this.#run(sql`
      update mfa_rollout set
        status = 'planned', plan_lease_until = null, policy_hash = ${policyHash ?? null}, plan_hash = ${planHash},
        planned_at = ${NOW}, expires_at = ${NOW} + ${inMs(PLAN_EXPIRES_MS)}, max_failures = ${maxFailures},
        approval_minutes = ${approvalMinutes ?? null}, price = ${JSON.stringify(price)}::jsonb
      where ${isCurrentAttempt(attempt)} returning id`);
    return rows.length > 0;
  }

  /** Returns false if the attempt is over. */
  async fail(attempt: PlanAttempt, { code, camCode, hint }: PlanFault): Promise<boolean> {
    const rows = await this.#run(sql`
      update mfa_rollout set
        status = 'plan_failed', plan_lease_until = null, finished_at = ${NOW}, code = ${code},
        cam_code = ${camCode ?? null}, hint = ${hint ?? null}
      where ${isCurrentAttempt(attempt)} returning id`);
    return rows.length > 0;
  }

  /** Returns the unfinished plans without a lease, for example because their replica died. */
  async abandoned(): Promise<readonly string[]> {
    const rows = await this.#run<{ id: string }>(sql`
      select id from mfa_rollout
      where status = 'planning' and (plan_lease_until is null or plan_lease_until < ${NOW}) order by id`);
    return rows.map(({ id }) => id);
  }

  /** Expires the plans that were not started in time, and deletes the items of older expired plans. */
  async expire(): Promise<void> {
    await this.#run(sql`
      update mfa_rollout set status = 'expired', finished_at = ${NOW} where status = 'planned' and expires_at <= ${NOW}`);
    await this.#deleteItems(sql`
      rollout_id in (
        select id from mfa_rollout where started_at is null and finished_at < ${NOW} - ${inMs(KEEP_ITEMS_MS)}
      )`);
  }

  /** Yields the items of a run that may have changed a user, in order, with the records of their changes. */
  doneItems(id: string): AsyncGenerator<readonly DoneItem[]> {
    return itemPages((after) =>
      this.#run<DoneItem>(sql`
      select i.item, i.account, i.op_uin, i.name, i.state, c.before_image as before, c.sent,
        exists (
          select from mfa_change l
          where l.op_uin = c.op_uin and l.account = c.account and l.status in ('pending', 'applied', 'unknown')
            and coalesce(l.dispatch_order, l.begun) > coalesce(c.dispatch_order, c.begun)
        ) as changed_again
      from mfa_rollout_item i join mfa_change c on c.id = i.change_id
      where i.rollout_id = ${id} and i.state in ('applied', 'unknown') and i.item > ${after}
      order by i.item limit ${DONE_BATCH}`),
    );
  }

  #deleteItems(condition: RawBuilder<unknown>): Promise<void> {
    return writeInBatches(() =>
      this.#run(sql`
        with old as materialized (select rollout_id, item from mfa_rollout_item where ${condition} limit ${ITEM_BATCH})
        delete from mfa_rollout_item i using old where i.rollout_id = old.rollout_id and i.item = old.item
        returning i.item`),
    );
  }

  #run<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return runQuery(this.#database, query);
  }
}

function isCurrentAttempt({ id, attempts }: PlanAttempt): RawBuilder<boolean> {
  return sql`id = ${id} and status = 'planning' and plan_attempts = ${attempts}`;
}

interface PlanningRow extends Omit<PlanningRollout, "caller"> {
  readonly callerSubject: string;
  readonly callerClient?: string;
  readonly callerIssuer?: string;
}
