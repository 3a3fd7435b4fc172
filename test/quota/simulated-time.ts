import type { Clock } from "../../src/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/**
 * Simulated time that passes as fast as the work in it is done. Unlike FakeClock it waits for work outside of this
 * process, such as a statement of a database, before it continues. It also provides several clocks with different
 * times.
 */
export class SimulatedTime {
  #nowMs = 0;
  #timers: Timer[] = [];
  #outside: Promise<unknown> = Promise.resolve();
  #running = 0;
  #state: number;

  constructor(seed = 1) {
    this.#state = seed;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Deterministic random numbers (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(leastMs: number, mostMs: number): number {
    return leastMs + this.random() * (mostMs - leastMs);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), callback };
    this.#timers.push(timer);
    return () => this.#remove(timer);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs work outside of this process, one piece after the other. It takes no simulated time. */
  outside<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    const done = this.#outside.then(work).finally(() => {
      this.#running -= 1;
    });
    this.#outside = done.catch(() => undefined);
    return done;
  }

  /** A clock that starts anywhere. */
  clock(): Clock {
    const startMs = this.between(0, 1e6);
    return {
      now: () => Date.UTC(2026, 10, 24) + this.#nowMs,
      monotonic: () => startMs + this.#nowMs,
      sleep: (ms) => this.sleep(ms),
      // Timers have a resolution, and are late by it.
      after: (ms, callback) => this.after(ms + this.between(0, 1.5), callback),
      random: () => this.random(),
    };
  }

  async runUntil(untilMs: number): Promise<void> {
    for (;;) {
      await this.#settled();
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (first !== undefined && first.atMs <= timer.atMs ? first : timer),
        undefined,
      );
      if (next === undefined || next.atMs > untilMs) break;
      this.#remove(next);
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  #remove(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  async #settled(): Promise<void> {
    do {
      await this.#outside;
      // A shared statement begins at the end of the turn of its requests.
      for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#running > 0);
  }
}
