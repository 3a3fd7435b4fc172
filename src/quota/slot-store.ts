import { type RawBuilder, sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { SharedStatements } from "../database/statements.ts";

/**
 * Milliseconds of a window beyond a second, because timers are imprecise and deliveries vary. The SQL function
 * window_ms has the same value.
 */
export const GUARD_MS = 25;

/** The window of a limit per second, without back-off. */
export const UNTHROTTLED_WINDOW_MS = 1_000 + GUARD_MS;

interface SlotStoreDeps {
  readonly database: Database;
  readonly clock: Clock;
}

/** Identifies a window. CAM counts the calls of each key and action. */
export interface WindowKey {
  readonly secretId: string;
  readonly action: string;
}

export interface TakeSlotRequest {
  readonly replica: string;
  readonly ratePerSecond: number;
  readonly bulk: boolean;
  /** Milliseconds that the slot may lie ahead. */
  readonly withinMs: number;
  readonly adjustments: readonly SlotAdjustment[];
  /** Asks for what a forecast needs. */
  readonly wantsOutlook: boolean;
}

/** Reports that a slot of this replica moved, or was not used. */
export interface SlotAdjustment {
  readonly slotMs: number;
  /** The latest time at which its call can have arrived; undefined if no call was made. */
  readonly toMs: number | undefined;
}

export interface TakeSlotAnswer {
  readonly granted: boolean;
  /** Milliseconds since 1970 by the database's clock. If not granted, the time at which the slot would be. */
  readonly slotMs: number;
  readonly nowMs: number;
  /** A second, the back-off after throttles, and the guard (GUARD_MS). */
  readonly windowMs: number;
  /** True if other replicas have slots in the row. */
  readonly hasOthers: boolean;
  readonly outlook: WindowOutlook | undefined;
  /** This process's monotonic times around the statement. */
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** The part of a row that a forecast needs. Times are milliseconds since 1970 by the clock of the database. */
export interface WindowOutlook {
  readonly nowMs: number;
  readonly windowMs: number;
  /** Slots of all replicas in the window that ends now. */
  readonly used: number;
  /** The number of slots in the row, and the slots whose end frees the next ones, in order; at most forty. */
  readonly taken: number;
  readonly leaving: readonly number[];
  /** The latest slots, ascending, some of them ahead of now, with their owners; at most forty. */
  readonly latest: readonly number[];
  readonly owners: readonly number[];
  readonly bulk: readonly boolean[];
  /** The owner that asked. */
  readonly owner: number;
  readonly pausedUntil: number;
  /** The part of a second that throttles have added to the window; 0 without a recent throttle. */
  readonly backoff: number;
}

/** A request for a slot of a window. */
interface WindowRequest {
  readonly key: WindowKey;
  readonly request: TakeSlotRequest;
}

/**
 * The shared windows in the database (take_slot, take_slots, window_outlook and back_off_window in
 * schema/functions.sql). Errors of the driver pass through.
 */
export class SlotStore {
  readonly #deps: SlotStoreDeps;
  readonly #statements = new SharedStatements<WindowRequest, TakeSlotAnswer>({
    runOne: (request) => this.#takeOne(request),
    runBatch: (batch) => this.#takeSeveral(batch),
  });

  constructor(deps: SlotStoreDeps) {
    this.#deps = deps;
  }

  /** Takes the next slot of a window, or returns when it would be. Requests that come together share a statement. */
  take(key: WindowKey, request: TakeSlotRequest): Promise<TakeSlotAnswer> {
    return this.#statements.run({ key, request });
  }

  async #takeOne({ key, request }: WindowRequest): Promise<TakeSlotAnswer> {
    const { adjusted, adjusted_to } = adjustmentsOf(request);
    const [answer] = await this.#run<TakeSlotRow>(sql`
      select * from take_slot(
        ${key.secretId}, ${key.action}, ${request.replica}, ${request.ratePerSecond}, ${request.bulk},
        ${request.withinMs}, ${adjusted}::float8[], ${adjusted_to}::float8[], ${request.wantsOutlook}
      )`);
    if (answer === undefined) throw new Error("take_slot gave no row.");
    return answer;
  }

  async #takeSeveral(batch: readonly WindowRequest[]): Promise<readonly (TakeSlotAnswer | undefined)[]> {
    const requests = batch.map(({ key, request }, place) => ({
      ...{ place, secret_id: key.secretId, action: key.action, replica: request.replica },
      ...{ rate: request.ratePerSecond, bulk: request.bulk, within_ms: request.withinMs },
      ...{ ...adjustmentsOf(request), outlook: request.wantsOutlook },
    }));
    const answers = await this.#run<TakeSlotRow & { readonly place: number }>(
      sql`select * from take_slots(${JSON.stringify(requests)}::jsonb)`,
    );
    const byPlace = new Map(answers.map((answer) => [answer.place, answer]));
    return batch.map((_, place) => byPlace.get(place));
  }

  async #run<Row extends TakeSlotRow>(statement: RawBuilder<Row>) {
    const { clock, database } = this.#deps;
    // Measure without the wait for a connection, which tells nothing about when the database read its clock.
    return database.quota.connection().execute(async (connection) => {
      const sentMs = clock.monotonic();
      const { rows } = await statement.execute(connection);
      const answeredMs = clock.monotonic();
      return rows.map(({ slot_ms: slotMs, now_ms: nowMs, window_ms: windowMs, ...row }) => ({
        ...{ ...row, slotMs, nowMs, windowMs, hasOthers: row.has_others, sentMs, answeredMs },
        outlook: row.outlook === null ? undefined : { ...row.outlook, nowMs, windowMs },
      }));
    });
  }

  /** Makes every replica back off, because CAM throttled the call of this slot. Returns false if they already do. */
  async backOff({ secretId, action }: WindowKey, slotMs: number): Promise<boolean> {
    const { rows } = await sql<{ is_news: boolean }>`
      select back_off_window(${secretId}, ${action}, ${slotMs}) as is_news`.execute(
      this.#deps.database.quota,
    );
    return rows[0]?.is_news ?? false;
  }

  /** Returns the windows of a key by action. Takes no slot. */
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
   * Does everything that taking a slot needs, and takes none: it locks the row, creates it if missing, and writes it.
   * Rejects if the database cannot do that now.
   */
  async probe({ secretId, action }: WindowKey): Promise<void> {
    // take_slot never grants a slot that far in the past.
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

/** Returns the adjustments in the form of take_slot. */
function adjustmentsOf({ adjustments }: TakeSlotRequest) {
  return {
    adjusted: adjustments.map(({ slotMs }) => slotMs),
    adjusted_to: adjustments.map(({ toMs }) => toMs ?? null),
  };
}
