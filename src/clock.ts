import { setTimeout as delay } from "node:timers/promises";

/**
 * The only source of time and randomness, apart from random ids. Code that waits, writes timestamps or draws random
 * numbers takes a Clock, so that a test controls both.
 */
export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. It may jump. Use it for times to show or store, never to wait. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go backwards. Use it for windows, deadlines and durations. */
  monotonic(): number;
  /** Resolves after `ms`, or immediately if that is negative. Rejects with an AbortError as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`, or soon if that is negative, unless the returned function is called first. */
  after(ms: number, callback: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(Math.max(0, ms), undefined, signal ? { signal } : {}),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/**
 * Settles as `promise` does. If that takes longer than `ms`, settles with the value or the error of `late`, and ignores
 * the later outcome of `promise`.
 */
export function within<Result>(
  clock: Clock,
  ms: number,
  promise: Promise<Result>,
  late: () => Result | Promise<Result>,
): Promise<Result> {
  // A race of promises, each with its own reactions, costs several times as much.
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    promise.then(
      (result) => {
        cancel();
        resolve(result);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

/** The fastest drift between two clocks that NTP controls. */
const DRIFT = 500e-6;

/**
 * Converts times of the database's clock to this process's clock. It never assumes that the two agree. Each statement
 * gives bounds: the database read its clock after this process sent the statement and before the answer came. The
 * bounds of all statements together are as narrow as those of the quickest one, so a slow statement does no harm.
 */
export class ClockBounds {
  /** Bounds of "the database's time minus this process's time" at `#atMs`. */
  #least = Number.NEGATIVE_INFINITY;
  #most = Number.POSITIVE_INFINITY;
  #atMs = 0;

  /** Narrows the bounds with a statement: its two times here, and the time that it read on the database's clock. */
  observe(databaseMs: number, sentMs: number, answeredMs: number): void {
    const driftMs = (answeredMs - this.#atMs) * DRIFT;
    const least = Math.max(this.#least - driftMs, databaseMs - answeredMs);
    const most = Math.min(this.#most + driftMs, databaseMs - sentMs);
    // Bounds that cross show that a clock was set, which makes all earlier bounds worthless.
    const wasSet = least > most;
    this.#least = wasSet ? databaseMs - answeredMs : least;
    this.#most = wasSet ? databaseMs - sentMs : most;
    this.#atMs = answeredMs;
  }

  /** Returns the time of this process's clock at which the database's clock has certainly reached `databaseMs`. */
  latest(databaseMs: number): number {
    return databaseMs - this.#least;
  }

  /** Returns the earliest time that the database's clock can have had at a time of this process's clock. */
  earliest(processMs: number): number {
    return processMs + this.#least - Math.abs(processMs - this.#atMs) * DRIFT;
  }

  /** The width of the bounds: the database's clock may be ahead of `latest` by this. */
  get uncertaintyMs(): number {
    return this.#most - this.#least;
  }
}

/**
 * ClockSkew ignores smaller differences: a Date header counts whole seconds, and a reply takes time. CAM allows 300
 * s.
 */
const IGNORED_BELOW_MS = 5_000;

/**
 * The difference between CAM's clock and the gateway's, measured by the Date header of CAM's replies. The gateway signs
 * with CAM's time. So after the first reply, a machine with a wrong clock makes valid signatures.
 */
export class ClockSkew {
  readonly #clock: Clock;
  #skewMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get skewMs(): number {
    return this.#skewMs;
  }

  /** Returns the time of CAM's wall clock, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  /** Returns X-TC-Timestamp for a request that the gateway signs now. */
  timestampSeconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Returns whether an earlier timestamp differs from the current one by at least 5 seconds. */
  hasMovedSince(timestampSeconds: number): boolean {
    return Math.abs(this.timestampSeconds() - timestampSeconds) * 1000 >= IGNORED_BELOW_MS;
  }

  /** Measures the difference by the Date header of a reply. Returns false if the header is missing or malformed. */
  learn(dateHeader: string | undefined): boolean {
    const camNow = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(camNow)) return false;
    const measured = camNow - this.#clock.now();
    this.#skewMs = Math.abs(measured) < IGNORED_BELOW_MS ? 0 : measured;
    return true;
  }
}
