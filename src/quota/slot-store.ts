import { type RawBuilder, sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";

/** What the window has beyond a second, because deliveries vary. */
export const GUARD_MS = 25;

export interface SlotStoreDeps {
  readonly database: Database;
  readonly clock: Clock;
}

/** Which row: CAM counts for each calling key and action. */
export interface WindowKey {
  readonly secretId: string;
  readonly action: string;
}

export interface SlotQuestion {
  readonly replica: string;
  readonly limit: number;
  readonly bulk: boolean;
  /** How far ahead the slot may lie. */
  readonly withinMs: number;
  readonly corrections: readonly SlotCorrection[];
}

/** What became of a slot of this replica. */
export interface SlotCorrection {
  readonly slotMs: number;
  /** When its call may have counted; undefined where none was made. */
  readonly toMs: number | undefined;
}

/** The row after the statement. Milliseconds since 1970 by the database's clock, but for durations. */
export interface WindowState {
  readonly nowMs: number;
  /** A second as widened, and the guard (GUARD_MS). */
  readonly windowMs: number;
  /** The part of a second that throttles have added; 0 where none is remembered. */
  readonly widened: number;
  readonly pausedUntilMs: number;
  /** Ascending, some ahead of now; `owners` and `bulk` go with them. */
  readonly slots: readonly number[];
  readonly owners: readonly string[];
  readonly bulk: readonly boolean[];
}

export interface SlotAnswer extends WindowState {
  readonly granted: boolean;
  /** Not granted: when it would be. */
  readonly slotMs: number;
  /** Our monotonic times around the statement. */
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** The shared windows as the database keeps them (schema/migrations/0002_quota.sql). Errors of the driver pass through. */
export class SlotStore {
  readonly #deps: SlotStoreDeps;

  constructor(deps: SlotStoreDeps) {
    this.#deps = deps;
  }

  /** Takes the next slot, or learns when it would be. One statement. */
  async take(key: WindowKey, question: SlotQuestion): Promise<SlotAnswer> {
    const { clock, database } = this.#deps;
    const { replica, limit, bulk, withinMs, corrections } = question;
    const statement: RawBuilder<TakeSlotRow> = sql`
      select * from take_slot(
        ${key.secretId}, ${key.action}, ${replica}, ${limit}, ${bulk}, ${withinMs},
        ${toArray(corrections.map(({ slotMs }) => slotMs))}::float8[],
        ${toArray(corrections.map(({ toMs }) => toMs))}::float8[]
      )`;
    // Waiting for a connection of the pool says nothing about when the database read its clock.
    return database.db.connection().execute(async (connection) => {
      const sentMs = clock.monotonic();
      const { rows } = await statement.execute(connection);
      const answeredMs = clock.monotonic();
      const [row] = rows;
      if (row === undefined) throw new Error("take_slot gave no row.");
      return { ...toState(row), granted: row.granted, slotMs: row.slot_ms, sentMs, answeredMs };
    });
  }

  /** CAM throttled the call of this slot: widens the window for every replica. @returns false where that was known. */
  async widen({ secretId, action }: WindowKey, slotMs: number): Promise<boolean> {
    const { rows } = await sql<{ widened: boolean }>`
      select widen_window(${secretId}, ${action}, ${slotMs}) as widened`.execute(this.#deps.database.db);
    return rows[0]?.widened ?? false;
  }

  /** The windows of a key by action, as they stand. */
  async read(secretId: string): Promise<ReadonlyMap<string, WindowState>> {
    const { rows } = await sql<WindowRow & { readonly action: string }>`
      select q.action, n as now_ms, widened_at(q, n) as widened, window_ms(widened_at(q, n)) as window_ms,
        q.paused_until, q.slots, q.owners, q.bulk
      from quota_window q, epoch_ms() n where q.secret_id = ${secretId} order by q.action`.execute(
      this.#deps.database.db,
    );
    return new Map(rows.map((row) => [row.action, toState(row)]));
  }

  /** Rejects while the database is away. */
  async ping(): Promise<void> {
    await sql`select 1`.execute(this.#deps.database.db);
  }
}

interface WindowRow {
  readonly now_ms: number;
  readonly window_ms: number;
  readonly widened: number;
  readonly paused_until: number;
  readonly slots: readonly number[];
  readonly owners: readonly string[];
  readonly bulk: readonly boolean[];
}

interface TakeSlotRow extends WindowRow {
  readonly granted: boolean;
  readonly slot_ms: number;
}

/** Both drivers take an array as PostgreSQL writes it. */
function toArray(values: readonly (number | undefined)[]): string {
  return `{${values.map((value) => value ?? "null").join(",")}}`;
}

function toState(row: WindowRow): WindowState {
  return {
    nowMs: row.now_ms,
    windowMs: row.window_ms,
    widened: row.widened,
    pausedUntilMs: row.paused_until,
    slots: row.slots,
    owners: row.owners,
    bulk: row.bulk,
  };
}
