import { RecentArrivals } from "../rate/recent-arrivals.ts";

export interface ActionCounters {
  /** Requests that named this action, good or bad. */
  received: number;
  /** Authenticated, within the rate, and not throttled by a fault. */
  accepted: number;
  /** Answered RequestLimitExceeded, by the limit or by a fault. */
  throttled: number;
  /** Wrote to the account. */
  applied: number;
  /** The most arrivals in any 1,000 ms. */
  peakPerSecond: number;
}

/** Per action, since the start or the last reset. */
export class Counters {
  readonly #counts = new Map<string, ActionCounters>();
  readonly #recent = new Map<string, RecentArrivals>();

  receive(action: string, atMs: number): void {
    const counts = this.#of(action);
    const recent = this.#recent.get(action) ?? new RecentArrivals();
    this.#recent.set(action, recent);
    counts.received += 1;
    counts.peakPerSecond = Math.max(counts.peakPerSecond, recent.add(atMs));
  }

  count(action: string, what: "accepted" | "throttled" | "applied"): void {
    this.#of(action)[what] += 1;
  }

  view(): Record<string, ActionCounters> {
    return Object.fromEntries([...this.#counts].map(([action, counts]) => [action, { ...counts }]));
  }

  #of(action: string): ActionCounters {
    const known = this.#counts.get(action);
    if (known) return known;
    const fresh = { received: 0, accepted: 0, throttled: 0, applied: 0, peakPerSecond: 0 };
    this.#counts.set(action, fresh);
    return fresh;
  }
}
