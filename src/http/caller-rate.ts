import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

/** Long enough that a page which loads much at once is not refused for it. */
const WINDOW_SECONDS = 10;

/** How much one caller may ask of this process; CAM's own limits are shared and kept elsewhere (src/quota). */
export class CallerRate {
  readonly #limiter: RateLimiterMemory | undefined;
  readonly #most: number;

  /** @param perSecond Requests, on average over ten seconds; 0 for any number. */
  constructor(perSecond: number) {
    const points = perSecond * WINDOW_SECONDS;
    // However dear a request is, a caller may send one.
    this.#most = Math.max(1, Math.floor(points / 2));
    if (points > 0) this.#limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  }

  /**
   * Counts a request.
   *
   * @param points How many small requests it stands for.
   * @returns in how many milliseconds the caller may come again; undefined where the request may be answered.
   */
  async count(caller: string, points = 1): Promise<number | undefined> {
    try {
      await this.#limiter?.consume(caller, Math.min(Math.floor(points), this.#most));
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext;
      throw refusal;
    }
  }

  /** The same answer for a caller who has nothing left, without counting. */
  async waitOf(caller: string): Promise<number | undefined> {
    const counted = await this.#limiter?.get(caller);
    return counted && counted.remainingPoints <= 0 ? counted.msBeforeNext : undefined;
  }
}
