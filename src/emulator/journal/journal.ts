import type { FaultKind } from "../faults/fault-schema.ts";
import { RecentArrivals } from "../rate-limiter.ts";

/** One request, as the emulator saw it. Never holds a secret, a token or a signature. */
export interface JournalEntry {
  requestId: string;
  /** By the emulator's wall clock. */
  time: string;
  /** By its monotonic clock: when the last byte was in. */
  arrivedAtMs: number;
  traceId: string | null;
  /** "SKIP" where the call said that it is not signed. */
  scheme: "TC3-HMAC-SHA256" | "HmacSHA1" | "HmacSHA256" | "SKIP" | null;
  action: string | null;
  keyId: string | null;
  /** The user named by the call; null when it names none or several. */
  opUin: string | null;
  /** Every user named by the call. */
  opUins: readonly string[];
  /** "Success", a CAM error code, or null when a fault left the caller without such an answer. */
  outcome: string | null;
  /** Whether the call wrote to the account, whatever the caller was told. */
  applied: boolean;
  fault: FaultKind | null;
}

export interface JournalFilter {
  action?: string | undefined;
  opUin?: string | undefined;
}

/** A long test run must not eat the memory; the oldest entries go first. */
const MAX_ENTRIES = 100_000;

/** Every request in the order of arrival. */
export class Journal {
  #entries: JournalEntry[] = [];

  add(entry: JournalEntry): void {
    if (this.#entries.length >= MAX_ENTRIES) this.#entries = this.#entries.slice(MAX_ENTRIES / 10);
    this.#entries.push(entry);
  }

  list(filter: JournalFilter = {}): JournalEntry[] {
    return this.#entries
      .filter((entry) => filter.action === undefined || entry.action === filter.action)
      .filter((entry) => filter.opUin === undefined || entry.opUins.includes(filter.opUin))
      .map((entry) => ({ ...entry }));
  }

  clear(): void {
    this.#entries = [];
  }
}

export interface ActionCounters {
  /** Requests that named this action, good or bad. */
  received: number;
  /** Authenticated, within the rate, and not throttled by a fault. */
  accepted: number;
  /** Answered RequestLimitExceeded, by the limit or by a fault. */
  throttled: number;
  /** Wrote to the account. */
  applied: number;
  /** The most arrivals in any 1,000 ms. */
  peakPerSecond: number;
}

/** Per action, since the start or the last reset. */
export class Counters {
  readonly #counts = new Map<string, ActionCounters>();
  readonly #recent = new Map<string, RecentArrivals>();

  receive(action: string, atMs: number): void {
    const counts = this.#of(action);
    const recent = this.#recent.get(action) ?? new RecentArrivals();
    this.#recent.set(action, recent);
    counts.received += 1;
    counts.peakPerSecond = Math.max(counts.peakPerSecond, recent.add(atMs));
  }

  count(action: string, what: "accepted" | "throttled" | "applied"): void {
    this.#of(action)[what] += 1;
  }

  view(): Record<string, ActionCounters> {
    return Object.fromEntries([...this.#counts].map(([action, counts]) => [action, { ...counts }]));
  }

  #of(action: string): ActionCounters {
    const known = this.#counts.get(action);
    if (known) return known;
    const fresh = { received: 0, accepted: 0, throttled: 0, applied: 0, peakPerSecond: 0 };
    this.#counts.set(action, fresh);
    return fresh;
  }
}
