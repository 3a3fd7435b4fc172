import type { Clock } from "../clock.ts";

/** A Date header counts whole seconds and a reply takes time, so smaller differences mean nothing. CAM allows 300 s. */
const IGNORED_BELOW_MS = 5_000;

/**
 * The difference between CAM's clock and ours, learnt from the Date header of CAM's replies. The gateway signs with CAM's
 * time, so a machine whose clock is wrong still makes valid signatures.
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

  /** Returns whether a timestamp signed earlier differs from what would be signed now. */
  hasMovedSince(timestampSeconds: number): boolean {
    return Math.abs(this.timestampSeconds() - timestampSeconds) * 1000 >= IGNORED_BELOW_MS;
  }

  /** Learns from the Date header of a reply. Returns false where the header is missing or malformed. */
  learn(dateHeader: string | undefined): boolean {
    const camNow = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(camNow)) return false;
    const measured = camNow - this.#clock.now();
    this.#skewMs = Math.abs(measured) < IGNORED_BELOW_MS ? 0 : measured;
    return true;
  }
}
