import { sql } from "kysely";
import type { CamErrorCode, Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { inMs, NOW, runQuery, textArray } from "../database/statements.ts";
import { releaseUsers } from "./item-batches.ts";
import type { LaneKey } from "./lane-runner.ts";
import type { ItemImage, ItemState, RolloutStatus, SentFlagSets } from "./rollout.ts";

/** An item that this process leases. */
export interface ClaimedItem {
  readonly item: number;
  readonly attempt: number;
  readonly opUin: Uin;
  readonly before: ItemImage;
  readonly sent: SentFlagSets;
}

/** An attempt at an item. */
type Attempt = Pick<ClaimedItem, "item" | "attempt">;

/** The end of an item that no trigger settles. */
interface ItemEnd {
  readonly state: Extract<ItemState, "failed" | "blocked" | "changed_since">;
  readonly code: CamErrorCode;
  readonly camCode?: string | undefined;
  readonly why?: string | undefined;
}

/** A transition of a rollout. */
export interface RolloutAdvance {
  readonly id: string;
  readonly before: RolloutStatus;
  readonly after: RolloutStatus;
  readonly beganWave: number | undefined;
  /** Why it stopped, for people. */
  readonly hint: string | undefined;
}

/** A number of rollouts of one status, or of users of one state. */
export type OpenCount =
  | { readonly kind: "status"; readonly name: RolloutStatus; readonly count: number }
  | { readonly kind: "state"; readonly name: ItemState; readonly count: number };

/** The lease of a lane. Its replica renews it at least every second. After it ends, another replica continues. */
export const LANE_LEASE_MS = 10_000;
/** The time that an item's lease adds to its deadline. */
const ITEM_GRACE_MS = 5_000;

const isFree = (row: "i" | "l") => sql`coalesce(${sql.ref(`${row}.lease_until`)} < ${NOW}, true)`;

/** The state of runs. Every time is by the clock of the database. Throws the errors of `runQuery`. */
export class RunStore {
  readonly #database: Database;
  /** Names this process among those that run rollouts. */
  readonly owner: string;

  constructor(database: Database, owner: string) {
    this.#database = database;
    this.owner = owner;
  }

  /** Claims items for a lane, and renews its lease (see claim_rollout_items in schema/functions.sql). */
  async claim(
    { rolloutId, account }: LaneKey,
    limit: number,
    itemMs: number,
  ): Promise<{ readonly verdict: "ON" | "OVER"; readonly items: readonly ClaimedItem[] }> {
    const [row] = await this.#run<{ verdict: "ON" | "OVER"; items: readonly ClaimedItem[] }>(sql`
      select verdict, items from claim_rollout_items(
        ${rolloutId}, ${account}, ${this.owner}, ${limit}, ${LANE_LEASE_MS}, ${itemMs + ITEM_GRACE_MS}
      )`);
    if (row === undefined) throw new Error("claim_rollout_items returned no verdict.");
    return row;
  }

  /** Ends an item whose change was not begun or was refused. Returns false if this attempt is not open any more. */
  async settle({ rolloutId }: LaneKey, attempt: Attempt, end: ItemEnd): Promise<boolean> {
    const rows = await this.#run(sql`
      update mfa_rollout_item i set
        state = ${end.state}, code = ${end.code}, cam_code = coalesce(${end.camCode ?? null}, cam_code), why = ${end.why ?? null},
        settled_at = ${NOW}, lease_owner = null, lease_until = null,
        held = held and exists (
          select from mfa_rollout r where r.id = ${rolloutId} and r.status in ('running', 'paused')
        )
      where ${isUnwrittenAttempt(rolloutId, attempt)} returning item`);
    return rows.length > 0;
  }

  /** Releases an item, so that it may begin again after a delay. */
  async release({ rolloutId }: LaneKey, attempt: Attempt, afterMs: number): Promise<void> {
    await this.#run(sql`
      update mfa_rollout_item i set
        state = 'will_change', lease_owner = null, lease_until = ${NOW} + ${inMs(afterMs)}
      where ${isUnwrittenAttempt(rolloutId, attempt)}`);
  }

  /** Releases items whose process died before it began a change, and returns those whose change was refused. */
  async recover({
    rolloutId,
    account,
  }: LaneKey): Promise<readonly (Attempt & { readonly code: CamErrorCode })[]> {
    const isLeft = sql`i.rollout_id = ${rolloutId} and i.account = ${account} and i.state = 'changing'
      and i.lease_until < ${NOW}`;
    await this.#run(sql`
      update mfa_rollout_item i set state = 'will_change', lease_owner = null, lease_until = null
      where ${isLeft} and i.change_id is null`);
    return this.#run(sql`
      select i.item, i.attempt, c.code from mfa_rollout_item i join mfa_change c on c.id = i.change_id
      where ${isLeft} and c.status = 'refused'`);
  }

  /** Records why a lane waits. */
  async recordLanePause(
    { rolloutId, account }: LaneKey,
    code: string | undefined,
    pauseMs: number,
  ): Promise<void> {
    await this.#run(sql`
      update mfa_rollout_lane set code = ${code ?? null}, paused_until = ${NOW} + ${inMs(pauseMs)}
      where rollout_id = ${rolloutId} and account = ${account} and owner = ${this.owner}`);
  }

  async releaseLane({ rolloutId, account }: LaneKey): Promise<void> {
    await this.#run(sql`
      update mfa_rollout_lane set owner = null, lease_until = null
      where rollout_id = ${rolloutId} and account = ${account} and owner = ${this.owner}`);
  }

  /** Pauses a running rollout. Returns whether it ran. */
  async pause(id: string, code: string | undefined, hint: string | undefined): Promise<boolean> {
    const rows = await this.#run(sql`
      update mfa_rollout set status = 'paused', code = ${code ?? null}, hint = ${hint ?? null}
      where id = ${id} and status = 'running' returning id`);
    return rows.length > 0;
  }

  /** Advances rollouts (see advance_rollout in schema/functions.sql). Returns those whose status or wave changed. */
  async advance(id?: string): Promise<readonly RolloutAdvance[]> {
    const steps = await this.#run<Omit<RolloutAdvance, "hint">>(sql`
      select r.id, a.* from (
        select id from mfa_rollout where finished_at is null
          and status in ('awaiting_approval', 'running', 'paused') ${id === undefined ? sql`` : sql`and id = ${id}`}
      ) r cross join lateral advance_rollout(r.id) a`);
    const taken = steps.filter(({ before, after, beganWave }) => before !== after || beganWave !== undefined);
    return Promise.all(taken.map(async (step) => ({ ...step, hint: await this.#hintOf(step.id) })));
  }

  /**
   * Returns the lanes of these accounts that have work now and no lease. A lane reads users back once `windowMs` have
   * passed since the run and their change.
   */
  async dueLanes(accounts: readonly string[], windowMs: number): Promise<readonly LaneKey[]> {
    return this.#run(sql`
      select l.rollout_id, l.account from mfa_rollout_lane l join mfa_rollout r on r.id = l.rollout_id
      where l.account = any (${textArray(accounts)}) and ${isFree("l")} and r.sealed_at is null
        and (l.paused_until is null or l.paused_until < ${NOW})
        and (
          r.status = 'running' and not r.wave_awaits_release and r.wave_held_until is null
            and rollout_window_is_open(r.input)
            and exists (
              select from mfa_rollout_item i
              where i.rollout_id = r.id and i.account = l.account and i.wave = r.wave and i.settled_at is null
                and ${isFree("i")}
                and (i.state <> 'unknown' or exists (
                  select from mfa_change c where c.id = i.change_id and c.lease_until < ${NOW}
                ))
            )
          or r.finished_at < ${NOW} - ${inMs(windowMs)} and exists (
            select from mfa_rollout_item i
            where i.rollout_id = r.id and i.account = l.account and i.attempt > 0 and i.read_back_at is null
              and (i.state = 'changing' or coalesce(i.settled_at, r.finished_at) < ${NOW} - ${inMs(windowMs)})
          )
        )`);
  }

  /** Ends the items of accounts that are configured in no replica. Returns their number. */
  async blockLostAccounts(): Promise<number> {
    const isLost = sql`not exists (select from noted_account n where n.account = i.account)`;
    const rows = await this.#run(sql`
      with blocked as (
        update mfa_rollout_item i set
          state = 'blocked', code = 'UNKNOWN_ACCOUNT', why = 'The account was removed from the gateway.',
          settled_at = ${NOW}, lease_owner = null, lease_until = null
        from mfa_rollout r
        where r.id = i.rollout_id and r.status in ('running', 'paused') and i.wave is not null
          and i.settled_at is null and i.change_id is null and ${isFree("i")} and ${isLost}
        returning i.item
      ), unread as (
        update mfa_rollout_item i set read_back_at = ${NOW}, differs = true
        from mfa_rollout r
        where r.id = i.rollout_id and r.finished_at is not null and r.sealed_at is null and i.attempt > 0
          and i.read_back_at is null and ${isLost}
      )
      select item from blocked`);
    return rows.length;
  }

  /** Counts the rollouts that are not over by status, and the users of those that run or are paused by state. */
  countOpen(): Promise<readonly OpenCount[]> {
    return this.#run(sql`
      select 'status' as kind, status as name, count(*)::integer as count from mfa_rollout
      where finished_at is null and status not in ('plan_failed', 'expired')
        and (status <> 'planned' or expires_at > ${NOW})
      group by status
      union all
      select 'state', i.state, count(*)::integer from mfa_rollout r join mfa_rollout_item i on i.rollout_id = r.id
      where r.status in ('running', 'paused') and i.wave is not null group by i.state`);
  }

  /** Frees the users of rollouts that have ended, as soon as no change of them is open. */
  releaseUsers(): Promise<void> {
    return releaseUsers(this.#database);
  }

  async #hintOf(id: string): Promise<string | undefined> {
    const [row] = await this.#run<{ hint?: string }>(sql`select hint from mfa_rollout where id = ${id}`);
    return row?.hint;
  }

  #run<Row>(query: Parameters<typeof runQuery>[1]): Promise<Row[]> {
    return runQuery(this.#database, query);
  }
}

/** An attempt that did not write: no change was begun, or its change was refused. */
function isUnwrittenAttempt(rolloutId: string, { item, attempt }: Attempt) {
  return sql`
    i.rollout_id = ${rolloutId} and i.item = ${item} and i.attempt = ${attempt} and i.state = 'changing'
    and (i.change_id is null or exists (
      select from mfa_change c where c.id = i.change_id and c.status = 'refused'
    ))`;
}
