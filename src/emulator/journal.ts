import { actionNamed } from "./actions/find-action.ts";
import type { CamRefusal } from "./cam-refusals.ts";
import type { EmulatorClock, SeededRandom } from "./emulator-clock.ts";
import type { Fault, FaultKind } from "./fault-plan.ts";
import { RecentArrivals } from "./rate-limiter.ts";
import type { ApiCall } from "./wire/read-call.ts";
import { headerValue, type ReceivedRequest } from "./wire/received-request.ts";

/** One request as the emulator received it. Never holds a secret, a token or a signature. */
export interface JournalEntry {
  requestId: string;
  /** Wall-clock time of the emulator. */
  time: string;
  /** Monotonic time at which the last byte arrived. */
  arrivedAtMs: number;
  traceId: string | null;
  /** "SKIP" for a call that declares itself unsigned. */
  scheme: "TC3-HMAC-SHA256" | "HmacSHA1" | "HmacSHA256" | "SKIP" | null;
  action: string | null;
  keyId: string | null;
  /** The user that the call names; null when the call names none or several. */
  opUin: string | null;
  /** All users that the call names. */
  opUins: readonly string[];
  /** "Success", a CAM error code, or null when a fault left the caller without such an answer. */
  outcome: string | null;
  /** Whether the call wrote to the account, independent of the reply. */
  applied: boolean;
  fault: FaultKind | null;
}

export interface JournalFilter {
  action?: string | undefined;
  opUin?: string | undefined;
}

/** Bounds the memory of a long test run; the oldest entries are dropped first. */
const MAX_ENTRIES = 100_000;

/** All requests in order of arrival. */
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
  /** Requests that named this action, valid or not. */
  received: number;
  /** Requests that passed authentication and the rate limit. */
  accepted: number;
  /** Requests answered by RequestLimitExceeded, from the limit or from a fault. */
  throttled: number;
  /** Requests that wrote to the account. */
  applied: number;
  /** The highest number of arrivals in any 1,000 ms. */
  peakPerSecond: number;
}

/** Counters of each action since the start or the last reset. */
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

/** Updates the journal entry and the counters of one request together. */
export interface RequestRecord {
  readonly entry: JournalEntry;
  describe(call: ApiCall): void;
  names(uins: readonly string[]): void;
  accepted(): void;
  succeeded(applied: boolean): void;
  /** Records a write that the account took after the reply. */
  appliedLate(): void;
  refused(refusal: CamRefusal): void;
  struck(fault: Fault, codeTold: string | null | undefined): void;
}

interface RecordParts {
  readonly clock: EmulatorClock;
  readonly counters: Counters;
  readonly journal: Journal;
  readonly requestIds: SeededRandom;
}

/** Adds the journal entry on arrival, so that the journal also shows requests without an answer. */
export function openRecord(
  request: ReceivedRequest,
  { clock, counters, journal, requestIds }: RecordParts,
): RequestRecord {
  const entry: JournalEntry = {
    requestId: requestIds.uuid(),
    time: new Date(clock.now()).toISOString(),
    arrivedAtMs: request.arrivedAtMs,
    traceId: headerValue(request, "x-tc-traceid") ?? null,
    scheme: null,
    action: headerValue(request, "x-tc-action") ?? null,
    keyId: null,
    opUin: null,
    opUins: [],
    outcome: null,
    applied: false,
    fault: null,
  };
  journal.add(entry);
  let counted = false;
  /** Unknown action names share one counter, so that a client cannot grow the table. */
  const counter = () => actionNamed(entry.action ?? "")?.name ?? "(unknown)";
  const receive = () => {
    if (!counted) counters.receive(counter(), request.arrivedAtMs);
    counted = true;
  };
  return {
    entry,
    describe(call) {
      entry.scheme = call.proof.scheme;
      entry.action = call.action;
      entry.keyId = call.secretId || null;
      receive();
    },
    names(uins) {
      entry.opUins = uins;
      entry.opUin = uins.length === 1 ? (uins[0] ?? null) : null;
    },
    accepted: () => counters.count(counter(), "accepted"),
    succeeded(applied) {
      entry.outcome = "Success";
      entry.applied = applied;
      if (applied) counters.count(counter(), "applied");
    },
    appliedLate() {
      entry.applied = true;
      counters.count(counter(), "applied");
    },
    refused(refusal) {
      receive();
      entry.outcome = refusal.code;
      if (refusal.code === "RequestLimitExceeded") counters.count(counter(), "throttled");
    },
    struck(fault, codeTold) {
      entry.fault = fault.kind;
      if (codeTold !== undefined) entry.outcome = codeTold;
      if (codeTold === "RequestLimitExceeded") counters.count(counter(), "throttled");
    },
  };
}
