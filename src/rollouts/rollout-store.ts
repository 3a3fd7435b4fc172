import { type RawBuilder, sql } from "kysely";
import { type Caller, personOf } from "../auth/caller.ts";
import type { CamErrorCode } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { NOW, runQuery, runRead, textArray } from "../database/statements.ts";
import {
  ITEM_STATES,
  type ItemState,
  type Rollout,
  type RolloutApproval,
  type RolloutCaller,
  type RolloutInput,
  type RolloutItem,
  type RolloutReason,
  type RolloutStatus,
} from "./rollout.ts";

/** A rollout that a caller plans. */
export interface NewRollout {
  readonly name: string;
  readonly reason: string;
  readonly input: RolloutInput;
  readonly accounts: readonly string[];
  readonly undoOf: string | undefined;
  readonly caller: Caller;
  readonly requestId: string;
}

export interface ItemFilter {
  readonly states?: readonly ItemState[] | undefined;
  readonly codes?: readonly CamErrorCode[] | undefined;
  readonly accounts?: readonly string[] | undefined;
  /** A part of the name or Uin, upper or lower case. */
  readonly search?: string | undefined;
}

/** The progress of one lane. */
interface LaneRow {
  readonly account: string;
  readonly total: number;
  readonly done: number;
  readonly isLeased: boolean;
  readonly isPaused: boolean;
  readonly code: string | undefined;
}

/** Reads rollouts and their items. Its methods throw the errors of `runQuery`. */
export class RolloutStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(rollout: NewRollout): Promise<Rollout> {
    const { name, reason, input, accounts, undoOf, caller, requestId } = rollout;
    const [row] = await runQuery<RolloutRow>(
      this.#database,
      sql`
      insert into mfa_rollout as r (
        name, reason, input, accounts, undo_of, caller_subject, caller_person, caller_client, caller_issuer, caller_scopes,
        request_id
      ) values (
        ${name}, ${reason}, ${JSON.stringify(input)}::jsonb, ${textArray(accounts)}, ${undoOf ?? null}, ${caller.subject},
        ${personOf(caller.subject)}, ${caller.client ?? null}, ${caller.issuer ?? null},
        ${textArray([...caller.scopes])}, ${requestId}
      ) returning ${COLUMNS}`,
    );
    return toRollout(row as RolloutRow);
  }

  async find(id: string): Promise<Rollout | undefined> {
    const [row] = await runRead<RolloutRow>(
      this.#database,
      sql`select ${COLUMNS} from mfa_rollout r where id = ${id}`,
    );
    return row && toRollout(row);
  }

  /**
   * Returns rollouts all of whose accounts are among the given ones, the latest first. @param after The id of a
   * rollout.
   */
  async list(
    accounts: readonly string[],
    status: RolloutStatus | undefined,
    limit: number,
    after: string | undefined,
  ): Promise<readonly Rollout[]> {
    const rows = await runRead<RolloutRow>(
      this.#database,
      sql`
      select ${COLUMNS} from mfa_rollout r
      where accounts <@ ${textArray(accounts)}
        ${status === undefined ? sql`` : sql`and ${STATUS} = ${status}`}
        ${after === undefined ? sql`` : sql`and id < ${after}`}
      order by id desc limit ${limit}`,
    );
    return rows.map(toRollout);
  }

  /** Returns the names of all accounts of rollouts, including accounts that are no longer configured. */
  async accounts(): Promise<readonly string[]> {
    const rows = await runRead<{ account: string }>(
      this.#database,
      sql`select distinct unnest(accounts) as account from mfa_rollout`,
    );
    return rows.map(({ account }) => account);
  }

  async counts(id: string): Promise<Readonly<Record<ItemState, number>>> {
    const rows = await runRead<{ state: ItemState; items: number }>(
      this.#database,
      sql`select state, count(*)::integer as items from mfa_rollout_item where rollout_id = ${id} group by state`,
    );
    const counts = Object.fromEntries(ITEM_STATES.map((state) => [state, 0])) as Record<ItemState, number>;
    for (const { state, items } of rows) counts[state] = items;
    return counts;
  }

  /** Counts the users that are not changed, by state and code, the most frequent first. */
  reasons(id: string): Promise<readonly RolloutReason[]> {
    return runRead(
      this.#database,
      sql`
      select state, code, count(*)::integer as users from mfa_rollout_item
      where rollout_id = ${id} and code is not null group by state, code order by users desc, state, code limit 50`,
    );
  }

  /** Returns items in the order of the plan. @param after The place of an item. */
  items(id: string, filter: ItemFilter, limit: number, after = 0): Promise<readonly RolloutItem[]> {
    return runRead(
      this.#database,
      sql`
      select ${ITEM_COLUMNS} from mfa_rollout_item
      where ${isItem(id, filter)} and item > ${after} order by item limit ${limit}`,
    );
  }

  async countItems(id: string, filter: ItemFilter): Promise<number> {
    const [row] = await runRead<{ items: number }>(
      this.#database,
      sql`select count(*)::integer as items from mfa_rollout_item where ${isItem(id, filter)}`,
    );
    return row?.items ?? 0;
  }

  /** Returns the progress of each account, in the order of the names. */
  lanes(id: string): Promise<readonly LaneRow[]> {
    return runRead(
      this.#database,
      sql`
      select i.account, i.total, i.done, coalesce(l.lease_until > ${NOW}, false) as is_leased,
        coalesce(l.paused_until > ${NOW}, false) as is_paused, l.code
      from (
        select account, count(*)::integer as total, count(settled_at)::integer as done
        from mfa_rollout_item where rollout_id = ${id} and wave is not null group by account
      ) i left join mfa_rollout_lane l on l.rollout_id = ${id} and l.account = i.account
      order by i.account`,
    );
  }

  /** Returns the number of users that differ, the time of the last read, and whether the result is sealed. */
  async proof(id: string): Promise<{ differences: number; readBackAt?: Date; sealed: boolean } | undefined> {
    const [row] = await runRead<{ differences: number; readBackAt?: Date; sealed: boolean }>(
      this.#database,
      sql`
      select count(*) filter (where i.differs)::integer as differences, max(i.read_back_at) as read_back_at,
        r.sealed_at is not null as sealed
      from mfa_rollout r left join mfa_rollout_item i on i.rollout_id = r.id and i.attempt > 0
      where r.id = ${id} group by r.id`,
    );
    return row;
  }
}

function isItem(id: string, { states, codes, accounts, search }: ItemFilter): RawBuilder<unknown> {
  const conditions = [
    sql`rollout_id = ${id}`,
    states && sql`state = any (${textArray(states)})`,
    codes && sql`code = any (${textArray(codes)})`,
    accounts && sql`account = any (${textArray(accounts)})`,
    search && sql`position(lower(${search}) in lower(coalesce(name, '') || ' ' || op_uin)) > 0`,
  ];
  return sql.join(
    conditions.filter((condition) => typeof condition === "object"),
    sql` and `,
  );
}

/** Shows a plan that was not started in time as expired, even before the database has that status. */
const STATUS: RawBuilder<RolloutStatus> = sql`
  case when status = 'planned' and expires_at <= clock_timestamp() then 'expired' else status end`;

const COLUMNS = sql`
  id, name, reason, ${STATUS} as status, code, cam_code, hint, input, accounts, undo_of, caller_subject, caller_client,
  caller_issuer, created_at, policy_hash, plan_hash, planned_at, expires_at, max_failures, approval_minutes, price,
  started_at, finished_at, wave, wave_held_until, wave_awaits_release, approval_requested_at, approval_expires_at,
  decision, decided_at, decided_by_subject, decided_by_client, decided_by_issuer, decision_reason`;

interface RolloutRow extends Omit<Rollout, "requestedBy" | "approval"> {
  readonly callerSubject: string;
  readonly callerClient?: string;
  readonly callerIssuer?: string;
  readonly approvalRequestedAt?: Date;
  readonly approvalExpiresAt?: Date;
  readonly decision?: NonNullable<RolloutApproval["decision"]>["kind"];
  readonly decidedAt?: Date;
  readonly decidedBySubject?: string;
  readonly decidedByClient?: string;
  readonly decidedByIssuer?: string;
  readonly decisionReason?: string;
}

function toRollout(row: RolloutRow): Rollout {
  const { callerSubject: subject, callerClient: client, callerIssuer: issuer, ...rest } = row;
  const { approvalRequestedAt: requestedAt, approvalExpiresAt: expiresAt, decision: kind, ...more } = rest;
  const { decidedAt: at, decidedBySubject, decidedByClient, decidedByIssuer, decisionReason, ...same } = more;
  const by: RolloutCaller | undefined =
    decidedBySubject === undefined
      ? undefined
      : { subject: decidedBySubject, client: decidedByClient, issuer: decidedByIssuer };
  const decision = kind && at && by && { kind, at, by, reason: decisionReason };
  const approval = requestedAt && expiresAt && { requestedAt, expiresAt, decision };
  return { ...same, requestedBy: { subject, client, issuer }, approval };
}

const ITEM_COLUMNS = sql`
  item, account, op_uin, name, before_image as before, sent, state, code, cam_code, why, planned_state, planned_code,
  wave, attempt, change_id, settled_at, read_back, read_back_at`;
