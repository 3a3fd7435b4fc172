import { sql } from "kysely";
import type { SafeAuthFlags } from "../cam/index.ts";
import type { Database } from "../database/database.ts";
import { inMs, NOW, runQuery } from "../database/statements.ts";
import type { LaneKey } from "./lane-runner.ts";
import { isDifferent } from "./proof/rollout-seal.ts";
import type { RolloutItem } from "./rollout.ts";
import { LANE_LEASE_MS } from "./run-store.ts";

/** An attempted item, with the state that the run left. */
export type UnreadItem = Pick<RolloutItem, "item" | "opUin" | "state" | "code" | "before" | "sent">;

/** The reads of all users after a run, and its seal. Throws the errors of `runQuery`. */
export class ReadBackStore {
  readonly #database: Database;
  readonly #owner: string;

  constructor(database: Database, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /**
   * Renews the lease of a lane and claims users whose read is due. OVER: no user is left for this process to read.
   */
  async claim(
    { rolloutId, account }: LaneKey,
    limit: number,
    readMs: number,
  ): Promise<{ readonly verdict: "ON" | "OVER"; readonly items: readonly UnreadItem[] }> {
    const isUnread = sql`rollout_id = ${rolloutId} and account = ${account} and attempt > 0 and read_back_at is null`;
    const kept = await this.#run(sql`
      update mfa_rollout_lane set owner = ${this.#owner}, lease_until = ${NOW} + ${inMs(LANE_LEASE_MS)}
      where rollout_id = ${rolloutId} and account = ${account}
        and (owner = ${this.#owner} or lease_until is null or lease_until < ${NOW})
        and exists (select from mfa_rollout_item where ${isUnread} and state not in ('changing', 'unknown'))
      returning account`);
    if (kept.length === 0) return { verdict: "OVER", items: [] };
    const items = await this.#run<UnreadItem>(sql`
      with free as materialized (
        select item from mfa_rollout_item
        where ${isUnread} and state not in ('changing', 'unknown') and (lease_until is null or lease_until < ${NOW})
        order by item limit ${limit} for update skip locked
      )
      update mfa_rollout_item i set lease_owner = ${this.#owner}, lease_until = ${NOW} + ${inMs(readMs)}
      from free where i.rollout_id = ${rolloutId} and i.item = free.item
      returning i.item, op_uin, state, code, before_image as before, sent`);
    return { verdict: "ON", items };
  }

  /**
   * Records the result of reading a user. Undefined: the read failed.
   * @param ageMs The time since the read began.
   */
  async save(
    { rolloutId }: LaneKey,
    item: UnreadItem,
    after: SafeAuthFlags | undefined,
    ageMs: number,
  ): Promise<void> {
    await this.#run(sql`
      update mfa_rollout_item set
        read_back = ${after === undefined ? null : JSON.stringify(after)}::jsonb
          || jsonb_build_object('asOf', iso_time(${NOW} - ${inMs(ageMs)})),
        read_back_at = ${NOW}, differs = ${isDifferent(item, after)}, lease_owner = null, lease_until = null
      where rollout_id = ${rolloutId} and item = ${item.item} and read_back_at is null`);
  }

  async release({ rolloutId }: LaneKey, { item }: UnreadItem, afterMs: number): Promise<void> {
    await this.#run(sql`
      update mfa_rollout_item set lease_owner = null, lease_until = ${NOW} + ${inMs(afterMs)}
      where rollout_id = ${rolloutId} and item = ${item} and read_back_at is null and lease_owner = ${this.#owner}`);
  }

  /** Returns the runs that have ended, whose users are all read, and that are not sealed. */
  async unsealed(): Promise<readonly string[]> {
    const rows = await this.#run<{ id: string }>(sql`
      select id from mfa_rollout r
      where started_at is not null and finished_at is not null and sealed_at is null and not exists (
        select from mfa_rollout_item i
        where i.rollout_id = r.id and i.attempt > 0 and (i.read_back_at is null or i.state in ('changing', 'unknown'))
      )`);
    return rows.map(({ id }) => id);
  }

  /** Seals the end of a run. Returns false if another replica did. */
  async seal(id: string, digest: string): Promise<boolean> {
    const [row] = await this.#run<{ sealed: boolean }>(sql`select seal_rollout(${id}, ${digest}) as sealed`);
    return row?.sealed === true;
  }

  #run<Row>(query: Parameters<typeof runQuery>[1]): Promise<Row[]> {
    return runQuery(this.#database, query);
  }
}
