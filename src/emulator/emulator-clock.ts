import { setTimeout as delay } from "node:timers/promises";

/** What `PUT /clock` answers. Times are milliseconds. */
export interface ClockView {
  /** The emulator's wall clock, as in its Date header. */
  now: string;
  nowMs: number;
  /** How far the wall clock is set wrong on purpose. */
  offsetMs: number;
  frozen: boolean;
  monotonicMs: number;
}

/**
 * The emulator's own source of time and chance. It has two hands: the wall clock, which signs, skew and the
 * Date header go by, and a monotonic one, which windows are counted by. An offset moves only the wall clock;
 * freezing and advancing move both, so that a test can own the rate window too.
 */
export class EmulatorClock {
  #offsetMs = 0;
  #wallShiftMs = 0;
  #monotonicShiftMs = 0;
  #frozen: { wallMs: number; monotonicMs: number } | undefined;

  now(): number {
    const wallMs = this.#frozen ? this.#frozen.wallMs : Date.now() + this.#wallShiftMs;
    return wallMs + this.#offsetMs;
  }

  monotonic(): number {
    return this.#frozen ? this.#frozen.monotonicMs : performance.now() + this.#monotonicShiftMs;
  }

  setOffset(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }

  /** Stops both hands; the wall clock at `atMs` when given. Freezing a frozen clock only moves its wall clock. */
  freeze(atMs?: number): void {
    const wallMs = atMs ?? this.#frozen?.wallMs ?? Date.now() + this.#wallShiftMs;
    // A whole number, so that advancing by 1,000 is exactly a window: fractions would not add up.
    this.#frozen = { wallMs, monotonicMs: Math.ceil(this.monotonic()) };
  }

  /** Runs again: the wall clock goes back to the machine's time, the monotonic hand carries on where it stood. */
  resume(): void {
    if (this.#frozen) this.#monotonicShiftMs = this.#frozen.monotonicMs - performance.now();
    this.#frozen = undefined;
    this.#wallShiftMs = 0;
  }

  advance(ms: number): void {
    if (this.#frozen) {
      this.#frozen = { wallMs: this.#frozen.wallMs + ms, monotonicMs: this.#frozen.monotonicMs + ms };
      return;
    }
    this.#wallShiftMs += ms;
    this.#monotonicShiftMs += ms;
  }

  reset(): void {
    this.#offsetMs = 0;
    this.resume();
  }

  view(): ClockView {
    const nowMs = this.now();
    return {
      now: new Date(nowMs).toISOString(),
      nowMs,
      offsetMs: this.#offsetMs,
      frozen: this.#frozen !== undefined,
      monotonicMs: this.monotonic(),
    };
  }
}

/** Real waiting, whatever the emulated clock says; ends quietly when the signal aborts. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** A start value for everything random, when nobody asked for a particular one. */
export function freshRandomSeed(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}
