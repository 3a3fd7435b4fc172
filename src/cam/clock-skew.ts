import type { Clock } from "../clock.ts";

/** Smaller differences are within the Date header's one-second grain and the way of the reply. CAM allows 300 s. */
const IGNORED_BELOW_MS = 5_000;

/**
 * How far CAM's clock is ahead of ours, learnt from the Date header of its replies. Requests are signed with
 * CAM's time, so a machine whose clock is wrong still signs what CAM accepts.
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

  /** CAM's wall clock, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  /** X-TC-Timestamp for a request that is signed now. */
  timestampSeconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Whether a timestamp signed earlier is no longer near what would be signed now. */
  hasMovedSince(timestampSeconds: number): boolean {
    return Math.abs(this.timestampSeconds() - timestampSeconds) * 1000 >= IGNORED_BELOW_MS;
  }

  /** Learns from the Date header of a reply. False where there is none that can be read, which teaches nothing. */
  observe(dateHeader: string | undefined): boolean {
    const camNow = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(camNow)) return false;
    const measured = camNow - this.#clock.now();
    this.#skewMs = Math.abs(measured) < IGNORED_BELOW_MS ? 0 : measured;
    return true;
  }
}
