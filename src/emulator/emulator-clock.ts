import { setTimeout as delay } from "node:timers/promises";

/** The answer of `PUT /clock`. Times are milliseconds. */
export interface ClockView {
  /** The wall clock of the emulator, as in its Date header. */
  now: string;
  nowMs: number;
  /** Deliberate error of the wall clock. */
  offsetMs: number;
  frozen: boolean;
  monotonicMs: number;
}

/**
 * The emulator's only source of time. The wall clock serves signatures, skew and the Date header; the monotonic clock
 * serves rate windows. An offset moves the wall clock only. Freezing and advancing move both, so that a test controls
 * the rate window too.
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

  /** Stops both clocks, the wall clock at `atMs` if given. Freezing a frozen clock only moves its wall clock. */
  freeze(atMs?: number): void {
    const wallMs = atMs ?? this.#frozen?.wallMs ?? Date.now() + this.#wallShiftMs;
    // A whole number, so that advancing by 1,000 is exactly one window.
    this.#frozen = { wallMs, monotonicMs: Math.ceil(this.monotonic()) };
  }

  /** Resumes: the wall clock returns to the machine's time, the monotonic clock continues where it stopped. */
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

/** Waits in real time, independent of the emulated clock. Resolves early when the signal aborts. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Returns a fresh seed for the random stream. */
export function freshRandomSeed(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}

/** A reproducible stream of numbers in [0, 1), by mulberry32. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => Math.floor(this.next() * 256)));
  }

  /** The shape of CAM's RequestId: a lower-case version 4 UUID. */
  uuid(): string {
    const bytes = this.bytes(16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = bytes.toString("hex");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }
}
