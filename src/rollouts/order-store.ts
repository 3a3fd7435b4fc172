import { sql } from "kysely";
import type { RequestMacs } from "../audit/request-macs.ts";
import { personOf } from "../auth/caller.ts";
import type { Database } from "../database/database.ts";
import { inTransaction, NOW, runQuery, textArray } from "../database/statements.ts";
import { ITEM_BATCH, itemPages, reserveUsers } from "./item-batches.ts";
import { PlanHash, type PlanTerms, termsOf } from "./plan-hash.ts";
import type { PlannedItem, Rollout, RolloutContext } from "./rollout.ts";
import { checkStart, START_COLUMNS, type StartRow, sealedStartOf } from "./running-rollout.ts";

/** A user that another open rollout has reserved. */
interface ConflictingUsers {
  readonly users: number;
  readonly rolloutIds: readonly string[];
}

/**
 * OTHER_STATUS: the rollout's status does not permit the order. ALTERED: its rows do not match the plan's hash, or the
 * MAC of its request is wrong.
 */
export type OrderVerdict = "DONE" | "OTHER_STATUS" | "ALTERED";

/**
 * Records people's orders about rollouts, such as start and pause. A method without a verdict returns whether the
 * rollout's status permitted the order. Throws the errors of `runQuery`, and the driver's error 23505 if another open
 * rollout has reserved a user.
 */
export class OrderStore {
  readonly #database: Database;
  readonly #requestMacs: RequestMacs | undefined;

  /** @param requestMacs Undefined without a signing key: starts have no MAC. */
  constructor(database: Database, requestMacs: RequestMacs | undefined) {
    this.#database = database;
    this.#requestMacs = requestMacs;
  }

  /** Starts a plan, or sets it to await approval for the given minutes. */
  start(id: string, { caller }: RolloutContext, approvalMinutes: number | undefined): Promise<OrderVerdict> {
    const awaiting = sql`, status = 'awaiting_approval', approval_requested_at = ${NOW},
      approval_expires_at = ${NOW} + ${approvalMinutes ?? null}::integer * interval '1 minute'`;
    const isReady = sql`id = ${id} and status = 'planned' and expires_at > ${NOW}`;
    return inTransaction(this.#database, async (database) => {
      const verdict = await checkPlan(database, id, isReady);
      if (verdict !== "DONE") return verdict;
      await runQuery(
        database,
        sql`
        update mfa_rollout set started_scopes = ${textArray([...caller.scopes])}
          ${approvalMinutes === undefined ? sql`` : awaiting}
        where id = ${id}`,
      );
      await reserveUsers(database, id);
      await this.#addStartMac(database, id);
      if (approvalMinutes === undefined) await runQuery(database, sql`select run_rollout(${id})`);
      return "DONE";
    });
  }

  /** Records an approval, and starts the rollout. */
  approve(id: string, context: RolloutContext, reason: string | undefined): Promise<OrderVerdict> {
    const isReady = sql`id = ${id} and status = 'awaiting_approval' and approval_expires_at > ${NOW}`;
    return inTransaction(this.#database, async (database) => {
      const verdict = await checkPlan(database, id, isReady);
      if (verdict !== "DONE") return verdict;
      const start = await readStart(database, id);
      if (start === undefined || checkStart(this.#requestMacs, id, start) !== "GENUINE") return "ALTERED";
      if (!(await recordDecision(database, id, "approved", context, reason))) return "OTHER_STATUS";
      await this.#addStartMac(database, id);
      await runQuery(database, sql`select run_rollout(${id})`);
      return "DONE";
    });
  }

  /** Records a rejection, or a withdrawal by the caller who planned the rollout, and ends the rollout. */
  reject(
    id: string,
    kind: "rejected" | "withdrawn",
    context: RolloutContext,
    reason: string | undefined,
  ): Promise<boolean> {
    const code = kind === "rejected" ? "APPROVAL_REJECTED" : null;
    return inTransaction(this.#database, async (database) => {
      if (!(await recordDecision(database, id, kind, context, reason))) return false;
      await runQuery(database, sql`select end_rollout(${id}, 'cancelled', ${code}, ${reason ?? null})`);
      return true;
    });
  }

  resume(id: string): Promise<boolean> {
    return this.#step(sql`
      update mfa_rollout set status = 'running', code = null, hint = null
      where id = ${id} and status = 'paused' returning id`);
  }

  cancel(id: string, reason: string | undefined): Promise<boolean> {
    return this.#step(sql`
      select end_rollout(id, 'cancelled', null, ${reason ?? null}) from mfa_rollout
      where id = ${id} and status in ('planning', 'planned', 'awaiting_approval', 'running', 'paused')`);
  }

  /** Begins a wave that waits for a person or for its hold. */
  releaseWave(id: string, wave: number): Promise<boolean> {
    return this.#step(sql`
      update mfa_rollout set wave = ${wave}, wave_held_until = null, wave_awaits_release = false
      where id = ${id} and status in ('running', 'paused') and wave = ${wave - 1}
        and (wave_awaits_release or wave_held_until is not null)
      returning id`);
  }

  /** Returns whether the bulk guard has paused the caller who started or approved a rollout. */
  async isCallerPaused(id: string): Promise<boolean> {
    return this.#step(sql`
      select from caller_pause p join mfa_rollout r on r.id = ${id}
      where p.resumed_at is null and (
        p.subject = r.caller_subject and p.issuer is not distinct from r.caller_issuer
        or p.subject = r.decided_by_subject and p.issuer is not distinct from r.decided_by_issuer
      )`);
  }

  /** Returns the number of items to be changed. */
  async countItems(id: string): Promise<number> {
    const [row] = await runQuery<{ items: number }>(
      this.#database,
      sql`select count(*)::integer as items from mfa_rollout_item where rollout_id = ${id} and wave is not null`,
    );
    return row?.items ?? 0;
  }

  /** Returns the users of a rollout that other open rollouts have reserved. */
  async usersInOtherRollouts(id: string): Promise<ConflictingUsers> {
    const [row] = await runQuery<ConflictingUsers>(
      this.#database,
      sql`
      select count(*)::integer as users, coalesce(array_agg(distinct o.rollout_id::text), '{}') as rollout_ids
      from mfa_rollout_item i join mfa_rollout_item o
        on o.account = i.account and o.op_uin = i.op_uin and o.held and o.rollout_id <> i.rollout_id
      where i.rollout_id = ${id} and i.wave is not null`,
    );
    return row ?? { users: 0, rolloutIds: [] };
  }

  /** Adds the MAC over the caller who started the rollout and the approver, as the order has just written them. */
  async #addStartMac(database: Database, id: string): Promise<void> {
    if (this.#requestMacs === undefined) return;
    const start = await readStart(database, id);
    if (start === undefined) return;
    const { mac, key } = this.#requestMacs.createForStart(sealedStartOf(id, start));
    await runQuery(
      database,
      sql`update mfa_rollout set start_mac = ${mac}, start_key = ${key} where id = ${id}`,
    );
  }

  async #step(statement: Parameters<typeof runQuery>[1]): Promise<boolean> {
    return (await runQuery(this.#database, statement)).length > 0;
  }
}

/** Locks a rollout, and compares the hash of its plan with its rows. */
async function checkPlan(
  database: Database,
  id: string,
  isReady: ReturnType<typeof sql>,
): Promise<OrderVerdict> {
  const [row] = await runQuery<PlanRow>(
    database,
    sql`
    select plan_hash, policy_hash, undo_of, max_failures, input from mfa_rollout where ${isReady} for no key update`,
  );
  if (row === undefined) return "OTHER_STATUS";
  const hash = new PlanHash();
  const pages = itemPages((after) =>
    runQuery<PlannedItem>(
      database,
      sql`
      select item, account, op_uin, state, code, wave, before_image as before, sent from mfa_rollout_item
      where rollout_id = ${id} and item > ${after} order by item limit ${ITEM_BATCH}`,
    ),
  );
  for await (const items of pages) {
    for (const item of items) hash.add(item);
  }
  return hash.end(termsOf(row)) === row.planHash ? "DONE" : "ALTERED";
}

async function readStart(database: Database, id: string): Promise<StartRow | undefined> {
  const [row] = await runQuery<StartRow>(
    database,
    sql`select ${START_COLUMNS} from mfa_rollout where id = ${id}`,
  );
  return row;
}

interface PlanRow
  extends Pick<Rollout, "planHash" | "policyHash" | "undoOf" | "input">,
    Pick<PlanTerms, "maxFailures"> {}

/** Records a decision about a rollout that awaits approval. Returns false if it does not. */
async function recordDecision(
  database: Database,
  id: string,
  kind: "approved" | "rejected" | "withdrawn",
  { caller, requestId }: RolloutContext,
  reason: string | undefined,
): Promise<boolean> {
  const rows = await runQuery(
    database,
    sql`
    update mfa_rollout set
      decision = ${kind}, decided_at = ${NOW}, decided_by_subject = ${caller.subject},
      decided_by_person = ${personOf(caller.subject)}, decided_by_client = ${caller.client ?? null},
      decided_by_issuer = ${caller.issuer ?? null}, decided_by_scopes = ${textArray([...caller.scopes])},
      decision_request_id = ${requestId}, decision_reason = ${reason ?? null}
    where id = ${id} and status = 'awaiting_approval' and approval_expires_at > ${NOW} returning id`,
  );
  return rows.length > 0;
}
