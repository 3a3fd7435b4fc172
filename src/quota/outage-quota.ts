import type { Slot, SlotRequest } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { CallerQueues } from "../fair-queue.ts";
import { MAX_WAITING, quotaExhausted } from "./forecast.ts";
import { UNTHROTTLED_WINDOW_MS } from "./slot-store.ts";

/**
 * The share of the limit that a replica uses for reads during an outage, but at least one call a second. If the limit
 * is 10 or more, up to ten replicas together stay under it.
 */
const OUTAGE_SHARE = 0.1;

/** Returns the rate of one replica during an outage. @param ratePerSecond The limit of all replicas together. */
export function outageRateOf(ratePerSecond: number): number {
  return Math.max(1, Math.floor(ratePerSecond * OUTAGE_SHARE));
}

interface OutageQuotaDeps {
  readonly clock: Clock;
  /** The calls of one action and key that this replica makes in a second at most. */
  readonly ratePerSecond: number;
  /**
   * The monotonic time at which the outage began. The windows count as full from then, because earlier calls may have
   * filled them.
   */
  readonly sinceMs: number;
  /** Aborts when the outage ends. */
  readonly ended: AbortSignal;
  readonly cause: unknown;
}

interface Waiter {
  readonly caller: string;
  readonly priority: SlotRequest["priority"];
  readonly enqueuedMs: number;
  readonly deadlineMs: number;
  readonly grant: (slot: Slot) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * The quota of one replica during an outage of the store: reads continue slowly, without data from other replicas, and
 * writes are refused. Each action and key has its own queue.
 */
export class OutageQuota {
  readonly #deps: OutageQuotaDeps;
  readonly #queues = new Map<string, OutageQueue>();

  constructor(deps: OutageQuotaDeps) {
    this.#deps = deps;
  }

  /**
   * Returns a slot, which is valid until the outage ends. Returns undefined if the outage ends first.
   * @throws GatewayError STORE_UNAVAILABLE for a write. For a read, the errors of Quota.take.
   */
  async take(request: SlotRequest): Promise<Slot | undefined> {
    const { ended, cause } = this.#deps;
    if (ended.aborted) return undefined;
    if (request.access === "write") throw new GatewayError("STORE_UNAVAILABLE", { cause });
    const signal = AbortSignal.any([ended, ...(request.signal ? [request.signal] : [])]);
    try {
      return await this.#queueOf(request).take({ ...request, signal });
    } catch (error) {
      if (ended.aborted && !request.signal?.aborted) return undefined;
      throw error;
    }
  }

  /** Returns what one action and key has used of the limit. */
  usage(of: Pick<SlotRequest, "action" | "secretId">): ReturnType<OutageQueue["usage"]> {
    return this.#queueOf(of).usage();
  }

  #queueOf({ secretId, action }: Pick<SlotRequest, "action" | "secretId">): OutageQueue {
    const key = `${secretId}/${action}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new OutageQueue(this.#deps);
      this.#queues.set(key, queue);
    }
    return queue;
  }
}

/**
 * The queue of one action and key: interactive calls first, and callers take turns. It grants at most `ratePerSecond`
 * slots in a window, and refuses a call immediately if it cannot be in time.
 */
class OutageQueue {
  readonly #deps: OutageQuotaDeps;
  readonly #queues = new CallerQueues<Waiter>(MAX_WAITING);
  /** The times of the latest slots, as many as a window holds, in order. */
  #recentSlotsMs: readonly number[];
  #cancelTimer: (() => void) | undefined;

  constructor(deps: OutageQuotaDeps) {
    this.#deps = deps;
    this.#recentSlotsMs = Array(deps.ratePerSecond).fill(deps.sinceMs);
  }

  async take({ caller, priority, deadlineMs, signal }: SlotRequest & { readonly signal: AbortSignal }) {
    signal.throwIfAborted();
    const enqueuedMs = this.#deps.clock.monotonic();
    const waitMs = this.#waitMs(this.#queues.ahead({ caller, priority }));
    const room = enqueuedMs + waitMs < deadlineMs && this.#queues.makeRoom({ caller, priority });
    if (room === false) throw quotaExhausted(waitMs);
    room.dropped?.refuse(quotaExhausted(this.#waitMs(this.#queues.ahead(room.dropped))));
    const { promise, resolve: grant, reject: refuse } = Promise.withResolvers<Slot>();
    const waiter: Waiter = { caller, priority, enqueuedMs, deadlineMs, grant, refuse };
    this.#queues.push(waiter);
    const onAbort = (): void => {
      this.#queues.remove(waiter);
      refuse(signal.reason);
      this.#serve();
    };
    signal.addEventListener("abort", onAbort);
    this.#serve();
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Returns the present state of the window and the queue. */
  usage(): { readonly used: number; readonly queued: number; readonly nextSlotInMs: number } {
    const fromMs = this.#deps.clock.monotonic() - UNTHROTTLED_WINDOW_MS;
    const queued = this.#queues.size;
    const used = this.#recentSlotsMs.filter((slotMs) => slotMs > fromMs).length;
    return { used, queued, nextSlotInMs: this.#waitMs(queued) };
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#deps.clock.monotonic();
    for (const waiter of this.#queues.inOrder().filter(({ deadlineMs }) => deadlineMs <= nowMs)) {
      this.#queues.remove(waiter);
      waiter.refuse(quotaExhausted(this.#waitMs(0)));
    }
    while (this.#queues.size > 0 && this.#waitMs(0) === 0) {
      const waiter = this.#queues.shift();
      this.#recentSlotsMs = [...this.#recentSlotsMs.slice(1), nowMs];
      waiter?.grant(this.#open(nowMs - waiter.enqueuedMs));
    }
    if (this.#queues.size === 0) return;
    const deadlinesMs = this.#queues.inOrder().map(({ deadlineMs }) => deadlineMs - nowMs);
    const wakeInMs = Math.ceil(Math.min(this.#waitMs(0), ...deadlinesMs));
    this.#cancelTimer = this.#deps.clock.after(wakeInMs, () => this.#serve());
  }

  #open(waitedMs: number): Slot {
    const { clock, ended } = this.#deps;
    let isSettled = false;
    return {
      waitedMs,
      // The shared window does not contain the slot.
      tryBegin: () => !ended.aborted,
      settle: (outcome) => {
        // Another program uses the key, or other replicas read too. The window is full now.
        if (outcome === "THROTTLED" && !isSettled)
          this.#recentSlotsMs = this.#recentSlotsMs.map(() => clock.monotonic());
        isSettled = true;
      },
    };
  }

  /** Returns the time until the slot of the call behind `ahead` others. */
  #waitMs(ahead: number): number {
    const inWindow = this.#recentSlotsMs[ahead % this.#recentSlotsMs.length] ?? 0;
    const atMs = inWindow + (1 + Math.floor(ahead / this.#recentSlotsMs.length)) * UNTHROTTLED_WINDOW_MS;
    return Math.max(0, atMs - this.#deps.clock.monotonic());
  }
}
