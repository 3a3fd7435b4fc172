/**
 * The arithmetic of "no more than `limit` arrivals in any window". It knows no clock and no queue.
 *
 * What counts is arrival at the vendor, which nobody here sees. So each call is held to have arrived no later
 * than a bound that moves nearer as more is known: far off while it waits for a connection, at the latest when
 * its reply came. A new call may go when fewer than `limit` calls could still arrive, or have arrived, within the
 * window before it. Then no window can hold more: of any `limit + 1` arrivals, the call that was let go last
 * found at least one of the others out of its window.
 */
export class SlidingWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  #calls: WindowCall[] = [];
  /** No call leaves the window before that. */
  #firstLeavesMs = Number.POSITIVE_INFINITY;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** How many calls may go at once now. */
  free(nowMs: number): number {
    this.#forgetExpired(nowMs);
    return Math.max(0, this.#limit - this.#calls.length);
  }

  /** Calls inside the window now. */
  used(nowMs: number): number {
    this.#forgetExpired(nowMs);
    return this.#calls.length;
  }

  /** Lets a call go that will have arrived by then. */
  open(arrivesByMs: number): WindowCall {
    const call: WindowCall = { arrivesByMs };
    this.#calls.push(call);
    this.#expectLeaving(call);
    return call;
  }

  /** Moves a call's bound nearer; one that is farther off changes nothing. */
  moveNearer(call: WindowCall, arrivesByMs: number): void {
    if (arrivesByMs >= call.arrivesByMs) return;
    call.arrivesByMs = arrivesByMs;
    this.#expectLeaving(call);
  }

  /** Takes a call back that was never sent. */
  remove(call: WindowCall): void {
    this.#calls = this.#calls.filter((other) => other !== call);
  }

  /**
   * When the call that is behind `ahead` others may go, if every call in flight arrives now. It is exact when
   * none is in flight, and never too late.
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

  /** When the next call leaves the window, by what is known now; undefined where it is empty. */
  nextChangeMs(): number | undefined {
    if (this.#calls.length === 0) return undefined;
    return Math.min(...this.#calls.map((call) => call.arrivesByMs)) + this.#windowMs;
  }

  #expectLeaving({ arrivesByMs }: WindowCall): void {
    this.#firstLeavesMs = Math.min(this.#firstLeavesMs, arrivesByMs + this.#windowMs);
  }

  #forgetExpired(nowMs: number): void {
    if (nowMs < this.#firstLeavesMs) return;
    this.#calls = this.#calls.filter((call) => call.arrivesByMs + this.#windowMs > nowMs);
    this.#firstLeavesMs = Number.POSITIVE_INFINITY;
    for (const call of this.#calls) this.#expectLeaving(call);
  }
}

export interface WindowCall {
  /**
   * The call has arrived by then, counted with the same constant delay for every call. In the past once it is known. The
   * window alone changes it.
   */
  arrivesByMs: number;
}
