import type { ClockBounds } from "../clock.ts";
import { fairShare, Schedule } from "./schedule.ts";
import type { TakenSlot } from "./slot-deliveries.ts";
import type { TakeSlotAnswer } from "./slot-store.ts";

/** The lifetime of a forecast. After it, other replicas may have taken many slots. */
const FORECAST_LIFETIME_MS = 1_000;

/**
 * The margins of an estimated wait behind other calls, as a fraction of the wait. The queue refuses a new call
 * immediately if wait plus margin exceed its deadline. It refuses a waiting call early only if the wait exceeds the
 * deadline by more than the margin. With a smaller margin, more calls would wait without getting a slot.
 */
export const ADMISSION_MARGIN = 0.3;
export const WAITING_MARGIN = -0.25;

/**
 * Returns whether the slot of a call behind `ahead` others comes too late; false if the wait is unknown. The wait of the
 * next call is exact.
 */
export function isTooLate(
  deadlineMs: number,
  { nowMs, waitMs, ahead }: { nowMs: number; waitMs: number | undefined; ahead: number },
  margin: number,
): boolean {
  if (waitMs === undefined) return false;
  return nowMs + waitMs + (ahead === 0 ? 0 : margin * waitMs) >= deadlineMs;
}

interface ForecastDeps {
  readonly databaseClock: ClockBounds;
  readonly ratePerSecond: number;
}

/** Forecasts how long calls will wait, from the database's last answer. Times are those of this process. */
export class Forecast {
  readonly #deps: ForecastDeps;
  readonly #demand = new CallerDemand();
  #schedule: Schedule | undefined;
  #nextSlotMs: number | undefined;
  #hasOthers = false;
  #answeredMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ForecastDeps) {
    this.#deps = deps;
  }

  update({ granted, slotMs, hasOthers, outlook, answeredMs }: TakeSlotAnswer): void {
    this.#hasOthers = hasOthers;
    this.#schedule = outlook && new Schedule(outlook, this.#deps.ratePerSecond);
    this.#nextSlotMs = granted ? undefined : slotMs;
    this.#answeredMs = answeredMs;
  }

  clear(): void {
    this.#schedule = undefined;
    this.#nextSlotMs = undefined;
  }

  /** The time at which bulk work should request its next slot. */
  get bulkTurnMs(): number {
    if (this.#schedule === undefined) return Number.NEGATIVE_INFINITY;
    return this.#deps.databaseClock.latest(this.#schedule.bulkTurnMs);
  }

  /** The time of the next free slot, if the last answer gave none because it lies too far ahead. */
  get nextSlotMs(): number {
    if (this.#nextSlotMs === undefined) return Number.NEGATIVE_INFINITY;
    return this.#deps.databaseClock.latest(this.#nextSlotMs);
  }

  /** True if other replicas use the window. */
  get hasOthers(): boolean {
    return this.#hasOthers;
  }

  /** Returns whether the last answer is recent enough for a forecast. */
  isKnown(nowMs: number): boolean {
    return this.#schedule !== undefined && nowMs - this.#answeredMs <= FORECAST_LIFETIME_MS;
  }

  /** Counts a caller's request for a slot. */
  recordDemand(caller: string, nowMs: number): void {
    this.#demand.record(caller, nowMs);
  }

  /**
   * Returns how many calls go before the next call of a caller with `waiting` calls, if all callers keep asking as
   * often as recently. Also counts callers without a waiting call, because they may have one when their turn comes.
   */
  expectedAhead(caller: string, waiting: number, nowMs: number): number {
    if (this.#schedule === undefined) return 0;
    const { slotsPerMs, slotsPerOwnSlot: slotsForOneOfOurs } = this.#schedule;
    const oursPerMs = slotsPerMs / slotsForOneOfOurs;
    return ((waiting + 1) * oursPerMs) / this.#demand.shareOf(caller, oursPerMs, nowMs) - 1;
  }

  /**
   * Returns how long the call behind `ahead` others waits, or undefined if only a new answer can show it.
   * @param held The slots of this replica that are not due yet, in order.
   */
  waitMs(nowMs: number, ahead: number, held: readonly TakenSlot[]): number | undefined {
    const own = held[Math.floor(ahead)];
    if (own !== undefined) return Math.max(0, own.latestMs - nowMs);
    const { databaseClock } = this.#deps;
    if (this.#schedule === undefined) {
      // Without an outlook, only the time of the refused slot is known.
      const next = ahead === 0 && held.length === 0 ? this.#nextSlotMs : undefined;
      return next === undefined ? undefined : Math.max(0, databaseClock.latest(next) - nowMs);
    }
    if (held.length === 0 && !this.isKnown(nowMs)) return undefined;
    // The schedule contains the held slots. The queue requests the next one now, or at the next turn of this replica.
    const [turns, asked] = held.length > 0 ? [ahead - held.length + 1, 1] : [ahead, 0];
    const index = Math.max(0, Math.round(turns * this.#schedule.slotsPerOwnSlot) - asked);
    return Math.max(0, databaseClock.latest(this.#schedule.freeMs(index)) - nowMs);
  }
}

/** Long enough to see an occasional caller, and short enough to forget one that stopped. */
const PERIOD_MS = 2_500;

/** Counts how often each caller asked for a slot recently, granted or refused. */
export class CallerDemand {
  #current = new Map<string, number>();
  #previous = new Map<string, number>();
  #periodStartMs = Number.NEGATIVE_INFINITY;
  #previousMs = 0;

  record(caller: string, nowMs: number): void {
    this.#rotate(nowMs);
    this.#current.set(caller, (this.#current.get(caller) ?? 0) + 1);
  }

  /** Returns the fair share of a caller, of the calls per millisecond that all callers have together. */
  shareOf(caller: string, callsPerMs: number, nowMs: number): number {
    this.#rotate(nowMs);
    const overMs = Math.max(1, nowMs - this.#periodStartMs + this.#previousMs);
    const wanted = new Map(this.#previous);
    for (const [other, calls] of this.#current) wanted.set(other, (wanted.get(other) ?? 0) + calls);
    wanted.delete(caller);
    return fairShare(
      callsPerMs,
      [...wanted.values()].map((calls) => calls / overMs),
    );
  }

  #rotate(nowMs: number): void {
    const ageMs = nowMs - this.#periodStartMs;
    if (ageMs < PERIOD_MS) return;
    const isNext = ageMs < 2 * PERIOD_MS;
    this.#previous = isNext ? this.#current : new Map();
    this.#previousMs = isNext ? ageMs : 0;
    this.#current = new Map();
    this.#periodStartMs = nowMs;
  }
}
