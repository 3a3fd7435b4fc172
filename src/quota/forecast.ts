import { CallerDemand } from "./caller-demand.ts";
import type { DatabaseClock } from "./database-clock.ts";
import { Schedule } from "./schedule.ts";
import type { TakenSlot } from "./slot-deliveries.ts";
import type { SlotAnswer } from "./slot-store.ts";

/** An answer tells how long the line takes for so long; later, others may have taken much that was not seen. */
const FORESIGHT_MS = 1_000;

export interface ForecastDeps {
  readonly databaseClock: DatabaseClock;
  readonly ratePerSecond: number;
}

/** How long calls will wait, by what the database said last. Times are ours. */
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

  learn({ granted, slotMs, hasOthers, outlook, answeredMs }: SlotAnswer): void {
    this.#hasOthers = hasOthers;
    this.#schedule = outlook && new Schedule(outlook, this.#deps.ratePerSecond);
    this.#nextSlotMs = granted ? undefined : slotMs;
    this.#answeredMs = answeredMs;
  }

  forget(): void {
    this.#schedule = undefined;
    this.#nextSlotMs = undefined;
  }

  /** When bulk work should ask for its next slot. */
  get bulkTurnMs(): number {
    if (this.#schedule === undefined) return Number.NEGATIVE_INFINITY;
    return this.#deps.databaseClock.latest(this.#schedule.bulkTurnMs);
  }

  /** Whether other replicas use the window. */
  get hasOthers(): boolean {
    return this.#hasOthers;
  }

  /** Whether the last answer still tells how things stand. */
  isKnown(nowMs: number): boolean {
    return this.#schedule !== undefined && nowMs - this.#answeredMs <= FORESIGHT_MS;
  }

  /** A caller asks for one slot more. */
  recordDemand(caller: string, nowMs: number): void {
    this.#demand.record(caller, nowMs);
  }

  /**
   * How many go before one more call of a caller who has so many waiting, if everybody goes on to ask as often as
   * lately: others whose line is empty now may have a call waiting whenever it would be their turn.
   */
  expectedAhead(caller: string, waiting: number, nowMs: number): number {
    if (this.#schedule === undefined) return 0;
    const { slotsPerMs, slotsForOneOfOurs } = this.#schedule;
    const oursPerMs = slotsPerMs / slotsForOneOfOurs;
    return ((waiting + 1) * oursPerMs) / this.#demand.shareOf(caller, oursPerMs, nowMs) - 1;
  }

  /**
   * How long the call behind so many others waits. Undefined where only the database can say.
   * @param held Our slots whose time has not come, in order.
   */
  waitMs(nowMs: number, ahead: number, held: readonly TakenSlot[]): number | undefined {
    const own = held[Math.floor(ahead)];
    if (own !== undefined) return Math.max(0, own.latestMs - nowMs);
    const { databaseClock } = this.#deps;
    if (this.#schedule === undefined) {
      // Without an outlook, the slot that was asked for in vain is all that is known.
      const next = ahead === 0 && held.length === 0 ? this.#nextSlotMs : undefined;
      return next === undefined ? undefined : Math.max(0, databaseClock.latest(next) - nowMs);
    }
    if (held.length === 0 && !this.isKnown(nowMs)) return undefined;
    // The schedule knows the slots that we hold. The next one is asked for now, or when our turn comes again.
    const [turns, asked] = held.length > 0 ? [ahead - held.length + 1, 1] : [ahead, 0];
    const index = Math.max(0, Math.round(turns * this.#schedule.slotsForOneOfOurs) - asked);
    return Math.max(0, databaseClock.latest(this.#schedule.freeMs(index)) - nowMs);
  }
}
