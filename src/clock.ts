import { setTimeout as delay } from "node:timers/promises";

/**
 * The only source of time and randomness. Code that waits, writes timestamps or draws random numbers takes a Clock, so
 * that a test controls time and randomness.
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
