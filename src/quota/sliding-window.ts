/**
 * The arithmetic of "no more than `limit` arrivals in any window". It knows no clock and no queue.
 *
 * What counts is arrival at the vendor, which nobody here sees. So each call is held to have arrived no later
 * than a bound that moves as more is known: unknown while it waits for a connection, at the latest when its
 * reply came. A new call may go when fewer than `limit` calls could still arrive, or have arrived, within the
 * window before it. Then no window can hold more: of any `limit + 1` arrivals, the call that was let go last
 * found at least one of the others out of its window.
 */
export class SlidingWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  #calls: WindowCall[] = [];

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

  open(nowMs: number): WindowCall {
    const call: WindowCall = { openedMs: nowMs, arrivedByMs: undefined };
    this.#calls.push(call);
    return call;
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
      .map((call) => this.#leavesMs(call) ?? nowMs + this.#windowMs)
      .sort((a, b) => a - b);
    const position = ahead - free;
    const first = leaving[position % this.#limit] ?? nowMs + this.#windowMs;
    return Math.max(nowMs, first) + Math.floor(position / this.#limit) * this.#windowMs;
  }

  /** When the next call leaves the window; undefined where only calls in flight hold it shut, or none does. */
  nextChangeMs(): number | undefined {
    const leaving = this.#calls.flatMap((call) => this.#leavesMs(call) ?? []);
    return leaving.length === 0 ? undefined : Math.min(...leaving);
  }

  #leavesMs(call: WindowCall): number | undefined {
    return call.arrivedByMs === undefined ? undefined : call.arrivedByMs + this.#windowMs;
  }

  #forgetExpired(nowMs: number): void {
    this.#calls = this.#calls.filter((call) => {
      const leavesMs = this.#leavesMs(call);
      return leavesMs === undefined || leavesMs > nowMs;
    });
  }
}

export interface WindowCall {
  readonly openedMs: number;
  /** The call has arrived by then, counted with the same constant delay for every call. Undefined: not known yet. */
  arrivedByMs: number | undefined;
}
