import type { ClockBounds } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { fairShare, Schedule } from "./schedule.ts";
import type { TakenSlot } from "./slot-deliveries.ts";
import type { TakeSlotAnswer } from "./slot-store.ts";

/** The lifetime of a forecast. After it, other replicas may have taken many slots. */
const FORECAST_LIFETIME_MS = 1_000;

/**
 * The margins of an estimated wait, as a fraction of the wait. The queue refuses a new call if 1.3 times its estimated
 * wait would end after its deadline, and a waiting call only if 0.75 times the wait would. With a smaller first margin,
 * more calls would wait without getting a slot. The next call in the queue has no margin, because its wait is exact.
 */
export const ADMISSION_MARGIN = 0.3;
export const WAITING_MARGIN = -0.25;

/** The size limit of one queue: more calls than the longest deadline can serve. */
export const MAX_WAITING = 1_000;

/** Returns the refusal of a call whose slot comes too late, with the wait until that slot. */
export function quotaExhausted(waitMs: number): GatewayError {
  return new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: Math.max(1, Math.ceil(waitMs)) });
}

/** Returns whether the slot of a call behind `ahead` others comes too late. Returns false if the wait is unknown. */
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
   * Returns how many calls of this replica are served before the next call of a caller that already has `waiting` calls
   * in the queue. Until that call is served, the caller uses `waiting + 1` slots of its share, and the replica uses all
   * its slots. The share comes from the recent demand of all callers, so the result also counts calls that are not in
   * the queue yet.
   */
  expectedAhead(caller: string, waiting: number, nowMs: number): number {
    if (this.#schedule === undefined) return 0;
    const { slotsPerMs, slotsPerOwnSlot } = this.#schedule;
    const replicaSlotsPerMs = slotsPerMs / slotsPerOwnSlot;
    const callerSlotsPerMs = this.#demand.shareOf(caller, replicaSlotsPerMs, nowMs);
    return ((waiting + 1) * replicaSlotsPerMs) / callerSlotsPerMs - 1;
  }

  /**
   * Returns how long the call behind `ahead` others of this replica waits, or undefined if only a new answer can show
   * it.
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
    // The free slots of the schedule begin at 0, after the held slots. This replica gets one of each `slotsPerOwnSlot`
    // slots: slot 0 if it holds none. Otherwise its last held slot is number -1, and its next one follows a turn later.
    const firstSlot = held.length === 0 ? 0 : -1;
    const turns = ahead - Math.max(0, held.length - 1);
    const index = Math.max(0, firstSlot + Math.round(turns * this.#schedule.slotsPerOwnSlot));
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

  /** Returns the calls per millisecond that a caller can make if all callers share `callsPerMs` fairly. */
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
