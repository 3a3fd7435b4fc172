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

export interface SlotRequest {
  readonly replica: string;
  readonly ratePerSecond: number;
  readonly bulk: boolean;
  /** How far ahead the slot may lie. */
  readonly withinMs: number;
  readonly adjustments: readonly SlotAdjustment[];
  /** Whether the answer is to tell how long others will wait. */
  readonly wantsOutlook: boolean;
}

/** What became of a slot of this replica. */
export interface SlotAdjustment {
  readonly slotMs: number;
  /** When its call may have counted; undefined where none was made. */
  readonly toMs: number | undefined;
}

export interface SlotAnswer {
  readonly granted: boolean;
  /** By the database's clock, as milliseconds since 1970. Not granted: when it would be. */
  readonly slotMs: number;
  readonly nowMs: number;
  /** A second as widened, and the guard (GUARD_MS). */
  readonly windowMs: number;
  /** Whether other replicas have slots in the row. */
  readonly hasOthers: boolean;
  readonly outlook: WindowOutlook | undefined;
  /** Our monotonic times around the statement. */
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** What the row tells of the slots to come. Times as in SlotAnswer. */
export interface WindowOutlook {
  readonly nowMs: number;
  readonly windowMs: number;
  /** Slots of all replicas in the window that ends now. */
  readonly used: number;
  /** How many slots the row has, and of those the ones whose leaving frees the next, in order; forty at most. */
  readonly taken: number;
  readonly leaving: readonly number[];
  /** The latest slots, ascending, some ahead of now, with their owners; forty at most. */
  readonly latest: readonly number[];
  readonly owners: readonly number[];
  readonly bulk: readonly boolean[];
  /** Who of the owners asked. */
  readonly owner: number;
  readonly pausedUntil: number;
  /** The part of a second that throttles have added; 0 where none is remembered. */
  readonly backoff: number;
}

/** The shared windows as the database keeps them (schema/migrations/0002_quota.sql). Errors of the driver pass through. */
export class SlotStore {
  readonly #deps: SlotStoreDeps;

  constructor(deps: SlotStoreDeps) {
    this.#deps = deps;
  }

  /** Takes the next slot, or learns when it would be. One statement. */
  async take(key: WindowKey, question: SlotRequest): Promise<SlotAnswer> {
    const { clock, database } = this.#deps;
    const { replica, ratePerSecond, bulk, withinMs, adjustments, wantsOutlook } = question;
    const statement: RawBuilder<TakeSlotRow> = sql`
      select * from take_slot(
        ${key.secretId}, ${key.action}, ${replica}, ${ratePerSecond}, ${bulk}, ${withinMs},
        ${toArray(adjustments.map(({ slotMs }) => slotMs))}::float8[],
        ${toArray(adjustments.map(({ toMs }) => toMs))}::float8[],
        ${wantsOutlook}
      )`;
    // Waiting for a connection of the pool says nothing about when the database read its clock.
    return database.quota.connection().execute(async (connection) => {
      const sentMs = clock.monotonic();
      const { rows } = await statement.execute(connection);
      const answeredMs = clock.monotonic();
      const [row] = rows;
      if (row === undefined) throw new Error("take_slot gave no row.");
      const { granted, slot_ms: slotMs, now_ms: nowMs, window_ms: windowMs } = row;
      const outlook = row.outlook === null ? undefined : { ...row.outlook, nowMs, windowMs };
      return { granted, slotMs, nowMs, windowMs, hasOthers: row.has_others, outlook, sentMs, answeredMs };
    });
  }

  /** CAM throttled the call of this slot: widens the window for every replica. @returns false where that was known. */
  async backOff({ secretId, action }: WindowKey, slotMs: number): Promise<boolean> {
    const { rows } = await sql<{ is_news: boolean }>`
      select back_off_window(${secretId}, ${action}, ${slotMs}) as is_news`.execute(
      this.#deps.database.quota,
    );
    return rows[0]?.is_news ?? false;
  }

  /** The windows of a key by action, as they stand, for a query. */
  async read(
    secretId: string,
    ratePerSecond: number,
    replica: string,
  ): Promise<ReadonlyMap<string, WindowOutlook>> {
    const { rows } = await sql<OutlookRow>`
      select q.action, n as now_ms, window_ms(backoff_at(q, n)) as window_ms,
        window_outlook(q, ${ratePerSecond}, hashtext(${replica}), n) as outlook
      from quota_window q, epoch_ms() n where q.secret_id = ${secretId} order by q.action`.execute(
      this.#deps.database.reads,
    );
    return new Map(
      rows.map(({ action, now_ms: nowMs, window_ms: windowMs, outlook }) => [
        action,
        { ...outlook, nowMs, windowMs },
      ]),
    );
  }

  /**
   * Does what taking a slot of this window needs, and takes none: locks its row, makes it where it is missing, and
   * writes it. Rejects where the database cannot do that now.
   */
  async probe({ secretId, action }: WindowKey): Promise<void> {
    // A slot that far back is never granted.
    await sql`
      select probe_window(${secretId}, ${action})
      from take_slot(${secretId}, ${action}, '', 1, false, -1e12, '{}', '{}', false)`.execute(
      this.#deps.database.quota,
    );
  }
}

type Outlook = Omit<WindowOutlook, "nowMs" | "windowMs">;

interface TakeSlotRow {
  readonly granted: boolean;
  readonly slot_ms: number;
  readonly now_ms: number;
  readonly window_ms: number;
  readonly has_others: boolean;
  readonly outlook: Outlook | null;
}

interface OutlookRow {
  readonly action: string;
  readonly now_ms: number;
  readonly window_ms: number;
  readonly outlook: Outlook;
}

/** Both drivers take an array as PostgreSQL writes it. */
function toArray(values: readonly (number | undefined)[]): string {
  return `{${values.map((value) => value ?? "null").join(",")}}`;
}
