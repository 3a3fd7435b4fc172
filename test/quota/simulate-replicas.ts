import type { CallPriority, Slot, SlotOutcome } from "../../src/cam/index.ts";
import type { Clock } from "../../src/clock.ts";
import { GatewayError } from "../../src/contract/index.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import type { SimulatedTime } from "./simulated-time.ts";
import { slotRequest } from "./slot-request.ts";

/** One call and its outcome. Milliseconds of simulated time. */
export interface SimulatedCall {
  readonly caller: string;
  readonly priority: CallPriority;
  readonly madeMs: number;
  /** When it got the slot that it used. */
  grantedMs?: number;
  arrivedMs?: number;
  refusedMs?: number;
  refusal?: GatewayError;
}

export interface CallOptions {
  /** The quota of another account. The default is the replica's own quota. */
  readonly quota?: SharedQuota;
  readonly secretId?: string;
  readonly caller: string;
  readonly priority?: CallPriority;
  readonly access?: "read" | "write";
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** The time to open a connection. Without it the connection is open. */
  readonly connectingMs?: number;
}

/** Delays that vary. Each function is called for each delay. */
export interface Circumstances {
  /** The delay of a statement, one way. */
  readonly databaseWayMs: () => number;
  /** From the slot to the writing. */
  readonly writingMs: () => number;
  /** To the vendor, counting included. */
  readonly deliveryMs: () => number;
  /** From the vendor's counting to the reply. */
  readonly replyMs: () => number;
  readonly outcome: () => SlotOutcome;
}

/** A replica whose event loop, database and vendor have the given delays. */
export class SimulatedReplica {
  readonly quota: SharedQuota;
  readonly #windows: SharedWindows;
  readonly calls: SimulatedCall[] = [];
  /** The reports of the quota, in order. */
  readonly reports: string[] = [];
  readonly #time: SimulatedTime;
  readonly #clock: Clock;
  readonly #circumstances: Circumstances;
  #isAlive = true;

  constructor(name: string, time: SimulatedTime, database: SimulatedDatabase, circumstances: Circumstances) {
    this.#time = time;
    this.#circumstances = circumstances;
    this.#clock = time.clock();
    this.#windows = new SharedWindows({
      // A statement of a killed process never arrives.
      database: database.connect(() =>
        this.#isAlive ? circumstances.databaseWayMs() : Number.POSITIVE_INFINITY,
      ),
      clock: this.#clock,
      replica: name,
      observer: {
        onSlotMissed: () => this.reports.push("missed"),
        onThrottled: () => this.reports.push("throttled"),
        onStoreUnavailable: () => this.reports.push("away"),
        onStoreRecovered: () => this.reports.push("back"),
      },
    });
    this.quota = new SharedQuota({ windows: this.#windows, ratePerSecond: 20 });
  }

  /** Returns the quota of another account. */
  quotaOf(ratePerSecond: number): SharedQuota {
    return new SharedQuota({ windows: this.#windows, ratePerSecond });
  }

  /** Kills the replica. Its calls in flight have no outcome. */
  kill(): void {
    this.#isAlive = false;
    this.#windows.close();
  }

  async call({
    caller,
    priority = "interactive",
    access = "read",
    deadlineMs,
    signal,
    connectingMs,
    quota = this.quota,
    secretId = "AKIDTEST",
  }: CallOptions): Promise<SimulatedCall> {
    const call: SimulatedCall = { caller, priority, madeMs: this.#time.nowMs };
    this.calls.push(call);
    const request = {
      ...{ caller, priority, access, signal, secretId, deadlineMs: this.#clock.monotonic() + deadlineMs },
      ...(connectingMs !== undefined && { ready: this.#time.sleep(connectingMs) }),
    };
    try {
      for (let requeued = false; ; requeued = true) {
        const slot = await quota.take(slotRequest({ ...request, requeued }));
        if (!this.#isAlive) break;
        if (await this.#exchange(slot, call)) break;
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      call.refusedMs = this.#time.nowMs;
      call.refusal = error;
    }
    return call;
  }

  async #exchange(slot: Slot, call: SimulatedCall): Promise<boolean> {
    const { writingMs, deliveryMs, replyMs } = this.#circumstances;
    call.grantedMs = this.#time.nowMs;
    await this.#time.sleep(writingMs());
    if (!this.#isAlive) return true;
    if (!slot.tryBegin()) {
      slot.settle("UNUSED");
      return false;
    }
    await this.#time.sleep(deliveryMs());
    call.arrivedMs = this.#time.nowMs;
    await this.#time.sleep(replyMs());
    if (this.#isAlive) slot.settle(this.#circumstances.outcome());
    return true;
  }
}

/** The most arrivals in any second, wherever it begins; two that are exactly a second apart do not share one. */
export function peakPerSecond(calls: readonly SimulatedCall[]): number {
  const arrivals = calls.flatMap(({ arrivedMs }) => arrivedMs ?? []).toSorted((a, b) => a - b);
  let first = 0;
  return arrivals.reduce((peak, atMs, index) => {
    while ((arrivals[first] ?? atMs) <= atMs - 1_000) first += 1;
    return Math.max(peak, index - first + 1);
  }, 0);
}

export function quantile(figures: readonly number[], part: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
