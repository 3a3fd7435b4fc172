import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

/** Long enough that a page which loads much at once is not refused for it. */
const WINDOW_SECONDS = 10;

/** How much one caller may ask of this process; CAM's own limits are shared and kept elsewhere (src/quota). */
export class CallerRate {
  readonly #limiter: RateLimiterMemory | undefined;

  /** @param perSecond Requests, on average over ten seconds; 0 for any number. */
  constructor(perSecond: number) {
    if (perSecond > 0) {
      this.#limiter = new RateLimiterMemory({ points: perSecond * WINDOW_SECONDS, duration: WINDOW_SECONDS });
    }
  }

  /** Counts a request. @returns in how many milliseconds the caller may come again, or undefined where he may now. */
  async count(caller: string): Promise<number | undefined> {
    try {
      await this.#limiter?.consume(caller);
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext;
      throw refusal;
    }
  }
}
