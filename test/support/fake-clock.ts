import type { Clock } from "../../src/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that a test moves, with randomness that a test sets. */
export class FakeClock implements Clock {
  /** What random() gives. */
  chance = 0.5;
  readonly #wallMs: number;
  #elapsedMs = 0;
  #timers: Timer[] = [];

  constructor(wallMs: number = Date.UTC(2026, 10, 24, 12)) {
    this.#wallMs = wallMs;
  }

  now(): number {
    return this.#wallMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#elapsedMs + ms, callback };
    this.#timers.push(timer);
    return () => this.#remove(timer);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = this.after(ms, resolve);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** Advances the time and runs due callbacks in order. Promises settle before the time advances further. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    await promisesSettled();
    for (let timer = this.#nextDue(targetMs); timer; timer = this.#nextDue(targetMs)) {
      this.#remove(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.atMs);
      timer.callback();
      await promisesSettled();
    }
    this.#elapsedMs = targetMs;
  }

  /** Timers that were set and have neither called back nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  #nextDue(targetMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs <= targetMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    }
    return next;
  }

  #remove(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }
}

/** A clock for code that only sleeps between steps: each sleep resolves immediately and advances the time. */
export class JumpingClock extends FakeClock {
  readonly sleptMs: number[] = [];

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleptMs.push(ms);
    await this.advance(ms);
  }
}

/** All queued microtasks, and those that they queue, run before an immediate. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
