import { refusals } from "../refusals.ts";
import { FixedWindow } from "./fixed-window.ts";
import type { RateWindow } from "./rate-window.ts";
import { SlidingWindow } from "./sliding-window.ts";

export type WindowKind = "sliding" | "fixed";

/** The vendor's limit: so many calls a second per key and action, counted at arrival. */
export class RateLimiter {
  readonly #limit: number;
  readonly #kind: WindowKind;
  readonly #windows = new Map<string, RateWindow>();

  constructor(limit: number, kind: WindowKind) {
    this.#limit = limit;
    this.#kind = kind;
  }

  /** Throws RequestLimitExceeded. */
  admit(secretId: string, action: string, atMs: number): void {
    const decision = this.#window(`${secretId} ${action}`).admit(atMs);
    if (!decision.admitted) throw refusals.throttled(decision.timesInSecond, this.#limit);
  }

  #window(name: string): RateWindow {
    const known = this.#windows.get(name);
    if (known) return known;
    const created = this.#kind === "sliding" ? new SlidingWindow(this.#limit) : new FixedWindow(this.#limit);
    this.#windows.set(name, created);
    return created;
  }
}
