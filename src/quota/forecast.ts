import type { DatabaseClock } from "./database-clock.ts";
import { Schedule } from "./schedule.ts";
import type { SlotAnswer } from "./slot-store.ts";
import type { TakenSlot } from "./taken-slot.ts";

/** An answer tells how long the line takes for so long; later, others may have taken much that was not seen. */
const FORESIGHT_MS = 1_000;

export interface ForecastDeps {
  readonly databaseClock: DatabaseClock;
  readonly callsPerSecond: number;
  readonly replica: string;
}

/** How long calls will wait, by what the database said last. Times are ours. */
export class Forecast {
  readonly #deps: ForecastDeps;
  #schedule: Schedule | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ForecastDeps) {
    this.#deps = deps;
  }

  learn(answer: SlotAnswer): void {
    const { callsPerSecond, replica } = this.#deps;
    this.#schedule = new Schedule(answer, callsPerSecond, replica);
    this.#answeredMs = answer.answeredMs;
  }

  forget(): void {
    this.#schedule = undefined;
  }

  /** When bulk work should ask for its next slot. */
  get bulkTurnMs(): number {
    if (this.#schedule === undefined) return Number.NEGATIVE_INFINITY;
    return this.#deps.databaseClock.latest(this.#schedule.bulkTurnMs);
  }

  get othersAreThere(): boolean {
    return (this.#schedule?.slotsForOneOfOurs ?? 1) > 1;
  }

  /** How many slots this replica gets while it asks for as many as it can; undefined where it has not asked yet. */
  get slotsPerMs(): number | undefined {
    if (this.#schedule === undefined) return undefined;
    const { state, slotsForOneOfOurs } = this.#schedule;
    return this.#deps.callsPerSecond / state.windowMs / slotsForOneOfOurs;
  }

  /**
   * How long the call behind so many others waits. Undefined where only the database can say.
   * @param held Our slots whose time has not come, in order.
   */
  waitMs(nowMs: number, ahead: number, held: readonly TakenSlot[]): number | undefined {
    const own = held[Math.floor(ahead)];
    if (own !== undefined) return Math.max(0, own.latestMs - nowMs);
    const isFresh = held.length > 0 || nowMs - this.#answeredMs <= FORESIGHT_MS;
    if (this.#schedule === undefined || !isFresh) return undefined;
    // The schedule knows the slots that we hold. The next one is asked for now, or when our turn comes again.
    const [turns, asked] = held.length > 0 ? [ahead - held.length + 1, 1] : [ahead, 0];
    const index = Math.max(0, Math.round(turns * this.#schedule.slotsForOneOfOurs) - asked);
    return Math.max(0, this.#deps.databaseClock.latest(this.#schedule.freeMs(index)) - nowMs);
  }
}
