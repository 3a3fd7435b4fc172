/**
 * Counts calls so that at most `limit` arrive in any window. It has no clock and no queue.
 *
 * CAM counts a call when it arrives, which the gateway cannot see. So each call has a bound: the latest time at which
 * it can have arrived. The bound is far off until the call is sent, and at the latest the time of its reply. A new call
 * may go if fewer than `limit` calls have bounds inside the window before it. Then no window holds more than `limit`
 * calls: of any `limit + 1` arrivals, at least one was outside the window of the call that was sent last.
 */
export class SlidingWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  #calls: WindowCall[] = [];
  /** No call leaves the window before this time. */
  #earliestExitMs = Number.POSITIVE_INFINITY;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** Returns how many calls may go now. */
  free(nowMs: number): number {
    this.#forgetExpired(nowMs);
    return Math.max(0, this.#limit - this.#calls.length);
  }

  /** Returns how many calls are inside the window now. */
  used(nowMs: number): number {
    this.#forgetExpired(nowMs);
    return this.#calls.length;
  }

  /** Adds a call that arrives at the given time or earlier. */
  add(arrivesByMs: number): WindowCall {
    const call: WindowCall = { arrivesByMs };
    this.#calls.push(call);
    this.#noteExit(call);
    return call;
  }

  /** Moves the bound of a call to an earlier time. Ignores a later time. */
  moveEarlier(call: WindowCall, arrivesByMs: number): void {
    if (arrivesByMs >= call.arrivesByMs) return;
    call.arrivesByMs = arrivesByMs;
    this.#noteExit(call);
  }

  /** Removes a call that was never sent. */
  remove(call: WindowCall): void {
    this.#calls = this.#calls.filter((other) => other !== call);
  }

  /**
   * Returns when the call behind `ahead` others may go, if every call in flight arrives now. The result is exact if no
   * call is in flight, and never too late.
   */
  estimateMs(nowMs: number, ahead: number): number {
    const free = this.free(nowMs);
    if (ahead < free) return nowMs;
    const leaving = this.#calls
      .map((call) => Math.min(call.arrivesByMs, nowMs) + this.#windowMs)
      .sort((a, b) => a - b);
    const position = ahead - free;
    const first = leaving[position % this.#limit] ?? nowMs + this.#windowMs;
    return Math.max(nowMs, first) + Math.floor(position / this.#limit) * this.#windowMs;
  }

  /** Returns when the next call leaves the window by its present bound; undefined if the window is empty. */
  nextExitMs(): number | undefined {
    if (this.#calls.length === 0) return undefined;
    return Math.min(...this.#calls.map((call) => call.arrivesByMs)) + this.#windowMs;
  }

  #noteExit({ arrivesByMs }: WindowCall): void {
    this.#earliestExitMs = Math.min(this.#earliestExitMs, arrivesByMs + this.#windowMs);
  }

  #forgetExpired(nowMs: number): void {
    if (nowMs < this.#earliestExitMs) return;
    this.#calls = this.#calls.filter((call) => call.arrivesByMs + this.#windowMs > nowMs);
    this.#earliestExitMs = Number.POSITIVE_INFINITY;
    for (const call of this.#calls) this.#noteExit(call);
  }
}

export interface WindowCall {
  /**
   * The latest time at which the call can have arrived. It may be too early by the shortest way to CAM
   * (RoundTripEstimate). Only the window changes it.
   */
  arrivesByMs: number;
}
