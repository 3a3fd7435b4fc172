import type { Quota, Slot, SlotOutcome, SlotRequest } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { CallerQueues } from "../fair-queue.ts";
import { SlidingWindow, type WindowCall } from "./sliding-window.ts";
import { MAX_DELIVERY_MS, RoundTripEstimate } from "./slot-deliveries.ts";
import { GUARD_MS } from "./slot-store.ts";
import type { StoreHealth } from "./store-health.ts";

/** Returns the refusal of a call whose slot comes too late, with the wait until that slot. */
export function quotaExhausted(waitMs: number): GatewayError {
  return new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: Math.max(1, Math.ceil(waitMs)) });
}

/** The size limit of one queue: more calls than the longest deadline can serve. */
export const MAX_WAITING = 1_000;

export interface LocalQuotaDeps {
  readonly clock: Clock;
  /** The calls of one action and key that may arrive at CAM in any second. */
  readonly ratePerSecond: number;
  /** The latest time at which earlier calls may have filled every window. Undefined: the windows are empty. */
  readonly fullAtMs?: number;
}

/**
 * Keeps this process under CAM's limit, without data from other replicas. CAM counts the calls of each action and key,
 * so each pair has its own queue.
 */
export class LocalQuota implements Quota {
  readonly #deps: LocalQuotaDeps;
  readonly #queues = new Map<string, LocalSlotQueue>();

  constructor(deps: LocalQuotaDeps) {
    this.#deps = deps;
  }

  take(request: SlotRequest): Promise<Slot> {
    return this.#queueOf(request).take(request);
  }

  /** Returns what one action and key has used of the limit. */
  usage(of: Pick<SlotRequest, "action" | "secretId">): ReturnType<LocalSlotQueue["usage"]> {
    return this.#queueOf(of).usage();
  }

  #queueOf({ secretId, action }: Pick<SlotRequest, "action" | "secretId">): LocalSlotQueue {
    const key = `${secretId}/${action}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new LocalSlotQueue(this.#deps);
      this.#queues.set(key, queue);
    }
    return queue;
  }
}

export interface LocalSlotQueueDeps {
  readonly clock: Clock;
  readonly ratePerSecond: number;
  /** The latest time at which earlier calls may have filled the window. Undefined: the window is empty. */
  readonly fullAtMs?: number;
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
 * The queue of one window: interactive calls first, and callers take turns. It immediately refuses a call that cannot
 * be in time.
 */
export class LocalSlotQueue {
  readonly #clock: Clock;
  readonly #window: SlidingWindow;
  readonly #delay: RoundTripEstimate;
  readonly #queues = new CallerQueues<Waiter>(MAX_WAITING);
  #cancelTimer: (() => void) | undefined;

  constructor({ clock, ratePerSecond, fullAtMs }: LocalSlotQueueDeps) {
    this.#clock = clock;
    this.#window = new SlidingWindow(ratePerSecond, 1_000 + GUARD_MS);
    this.#delay = new RoundTripEstimate(ratePerSecond);
    if (fullAtMs !== undefined) this.#fill(fullAtMs);
  }

  /** Same as Quota.take. */
  take({ caller, priority, deadlineMs, signal }: SlotRequest): Promise<Slot> {
    const nowMs = this.#clock.monotonic();
    const freeAtMs = this.#window.estimateMs(nowMs, this.#queues.ahead({ caller, priority }));
    if (freeAtMs >= deadlineMs) return Promise.reject(quotaExhausted(freeAtMs - nowMs));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const room = this.#queues.makeRoom({ caller, priority });
    if (room === false) return Promise.reject(quotaExhausted(freeAtMs - nowMs));
    room.dropped?.refuse(
      quotaExhausted(this.#window.estimateMs(nowMs, this.#queues.ahead(room.dropped)) - nowMs),
    );
    const { promise, resolve: grant, reject: refuse } = Promise.withResolvers<Slot>();
    const waiter: Waiter = { caller, priority, enqueuedMs: nowMs, deadlineMs, grant, refuse };
    this.#queues.push(waiter);
    const onAbort = (): void => {
      this.#drop(waiter, signal?.reason);
      this.#serve();
    };
    signal?.addEventListener("abort", onAbort);
    this.#serve();
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** Returns the present state of the window and the queue. */
  usage(): { readonly used: number; readonly queued: number; readonly nextSlotInMs: number } {
    const nowMs = this.#clock.monotonic();
    return {
      used: this.#window.used(nowMs),
      queued: this.#queues.size,
      nextSlotInMs: this.#window.estimateMs(nowMs, this.#queues.size) - nowMs,
    };
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#queues.size === 0) return;
    const nowMs = this.#clock.monotonic();
    for (const late of this.#queues.inOrder().filter((waiter) => waiter.deadlineMs <= nowMs)) {
      this.#drop(late, quotaExhausted(this.#window.estimateMs(nowMs, 0) - nowMs));
    }
    for (let free = this.#window.free(nowMs); free > 0; free--) {
      const waiter = this.#queues.shift();
      if (waiter === undefined) return;
      waiter.grant(this.#open(waiter, nowMs));
    }
    if (this.#queues.size === 0) return;
    const wakeMs = Math.min(
      this.#window.nextExitMs() ?? Number.POSITIVE_INFINITY,
      ...this.#queues.inOrder().map((waiter) => waiter.deadlineMs),
    );
    this.#cancelTimer = this.#clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #open(waiter: Waiter, nowMs: number): Slot {
    // No call is sent after its deadline. So a slot without any report is free again some time after the deadline.
    const call = this.#window.add(waiter.deadlineMs + MAX_DELIVERY_MS);
    let sentMs: number | undefined;
    let settled = false;
    return {
      waitedMs: nowMs - waiter.enqueuedMs,
      tryBegin: () => {
        sentMs ??= this.#clock.monotonic();
        this.#arrivesBy(call, sentMs + MAX_DELIVERY_MS);
        return true;
      },
      settle: (outcome) => {
        if (settled) return;
        settled = true;
        this.#settle(call, sentMs, outcome);
      },
    };
  }

  #settle(call: WindowCall, sentMs: number | undefined, outcome: SlotOutcome): void {
    const nowMs = this.#clock.monotonic();
    if (outcome === "UNUSED" && sentMs === undefined) this.#window.remove(call);
    if (outcome === "THROTTLED") {
      // Another program uses the key, or the network delivered calls in a burst. In both cases the window is full now.
      this.#fill(nowMs);
    }
    if (outcome === "ANSWERED" && sentMs !== undefined) {
      this.#delay.record(nowMs - sentMs, nowMs);
      this.#arrivesBy(call, Math.max(sentMs, nowMs - this.#delay.shortestMs));
    } else {
      this.#arrivesBy(call, nowMs);
    }
  }

  #fill(atMs: number): void {
    while (this.#window.free(atMs) > 0) this.#window.add(atMs);
  }

  /** Moves the bound of a call to an earlier time. A late reply never moves it to a later one. */
  #arrivesBy(call: WindowCall, byMs: number): void {
    this.#window.moveEarlier(call, byMs);
    this.#serve();
  }

  #drop(waiter: Waiter, reason: unknown): void {
    if (this.#queues.remove(waiter)) waiter.refuse(reason);
  }
}

interface OutageReadsDeps {
  /** Returns the quota of the present outage. */
  readonly local: () => LocalQuota;
  readonly health: StoreHealth;
}

/** The calls of one window during an outage: reads continue at this replica's own slow rate, and writes are refused. */
export class OutageReads {
  readonly #deps: OutageReadsDeps;

  constructor(deps: OutageReadsDeps) {
    this.#deps = deps;
  }

  /**
   * Returns a slot, or undefined if the outage ended first.
   * @throws GatewayError STORE_UNAVAILABLE for a write. For a read, the errors of Quota.take.
   */
  async take(request: SlotRequest): Promise<Slot | undefined> {
    const { health, local } = this.#deps;
    const { outage } = health;
    if (outage === undefined) return undefined;
    if (request.access === "write") throw new GatewayError("STORE_UNAVAILABLE", { cause: outage.cause });
    const signal =
      request.signal === undefined ? outage.ended : AbortSignal.any([request.signal, outage.ended]);
    try {
      return expiringWith(await local().take({ ...request, signal }), outage.ended);
    } catch (error) {
      if (outage.ended.aborted && !request.signal?.aborted) return undefined;
      throw error;
    }
  }
}

/** Makes a slot invalid when the outage ends, because the shared window does not contain it. */
function expiringWith(slot: Slot, ended: AbortSignal): Slot {
  return {
    waitedMs: slot.waitedMs,
    tryBegin: () => !ended.aborted && slot.tryBegin(),
    settle: (outcome) => slot.settle(outcome),
  };
}
