import { fairShare } from "./schedule.ts";

/** Long enough to see an occasional caller, and short enough to forget one that stopped. */
const PERIOD_MS = 2_500;

/** Counts how often each caller asked for a slot recently, granted or refused. */
export class CallerDemand {
  #current = new Map<string, number>();
  #previous = new Map<string, number>();
  #periodStartMs = Number.NEGATIVE_INFINITY;
  #previousMs = 0;

  record(caller: string, nowMs: number): void {
    this.#turnPage(nowMs);
    this.#current.set(caller, (this.#current.get(caller) ?? 0) + 1);
  }

  /** Returns the fair share of a caller, of the calls per millisecond that all callers have together. */
  shareOf(caller: string, callsPerMs: number, nowMs: number): number {
    this.#turnPage(nowMs);
    const overMs = Math.max(1, nowMs - this.#periodStartMs + this.#previousMs);
    const wanted = new Map(this.#previous);
    for (const [other, calls] of this.#current) wanted.set(other, (wanted.get(other) ?? 0) + calls);
    wanted.delete(caller);
    return fairShare(
      callsPerMs,
      [...wanted.values()].map((calls) => calls / overMs),
    );
  }

  #turnPage(nowMs: number): void {
    const ageMs = nowMs - this.#periodStartMs;
    if (ageMs < PERIOD_MS) return;
    const isNext = ageMs < 2 * PERIOD_MS;
    this.#previous = isNext ? this.#current : new Map();
    this.#previousMs = isNext ? ageMs : 0;
    this.#current = new Map();
    this.#periodStartMs = nowMs;
  }
}
