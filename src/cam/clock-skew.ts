import type { Clock } from "../clock.ts";

/**
 * The gateway ignores smaller differences: a Date header counts whole seconds, and a reply takes time. CAM allows 300
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
