import type { RateRequest, RateSlot, SlotOutcome } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { DeliveryDelay } from "./delivery-delay.ts";
import { SlidingWindow, type WindowCall } from "./sliding-window.ts";

/**
 * One second, and a guard for what the arithmetic cannot see: the grain of timers at both ends and ways to CAM
 * that differ from call to call.
 */
const WINDOW_MS = 1_000 + 25;

/** A reply that takes longer says nothing about when the call arrived; waiting for it would only cost throughput. */
const LONGEST_DELIVERY_MS = 1_000;

interface Waiter {
  readonly enqueuedMs: number;
  readonly deadlineMs: number;
  readonly grant: (slot: RateSlot) => void;
  readonly refuse: (error: unknown) => void;
}

/** The queue before one window: first come, first served, and nobody waits who cannot be served in time. */
export class RateQueue {
  readonly #clock: Clock;
  readonly #window: SlidingWindow;
  readonly #delay = new DeliveryDelay();
  #waiters: Waiter[] = [];
  #cancelTimer: (() => void) | undefined;

  constructor(deps: { readonly clock: Clock; readonly callsPerSecond: number }) {
    this.#clock = deps.clock;
    this.#window = new SlidingWindow(deps.callsPerSecond, WINDOW_MS);
  }

  /** As RateBudget.take. */
  take({ deadlineMs, signal }: RateRequest): Promise<RateSlot> {
    const nowMs = this.#clock.monotonic();
    const freeAtMs = this.#window.estimateMs(nowMs, this.#waiters.length);
    if (freeAtMs >= deadlineMs) return Promise.reject(exhausted(freeAtMs - nowMs));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve: grant, reject: refuse } = Promise.withResolvers<RateSlot>();
    const waiter: Waiter = { enqueuedMs: nowMs, deadlineMs, grant, refuse };
    this.#waiters.push(waiter);
    const onAbort = (): void => this.#drop(waiter, signal?.reason);
    signal?.addEventListener("abort", onAbort);
    this.#serve();
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#clock.monotonic();
    for (const late of this.#waiters.filter((waiter) => waiter.deadlineMs <= nowMs)) {
      this.#drop(late, exhausted(this.#window.estimateMs(nowMs, 0) - nowMs));
    }
    for (let free = this.#window.free(nowMs); free > 0; free--) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      waiter.grant(this.#open(waiter, nowMs));
    }
    if (this.#waiters.length === 0) return;
    const wakeMs = Math.min(
      this.#window.nextChangeMs() ?? Number.POSITIVE_INFINITY,
      ...this.#waiters.map((waiter) => waiter.deadlineMs),
    );
    this.#cancelTimer = this.#clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #open(waiter: Waiter, nowMs: number): RateSlot {
    const call = this.#window.open(nowMs);
    let sentMs: number | undefined;
    let settled = false;
    let cancelGiveUp: (() => void) | undefined;
    return {
      waitedMs: nowMs - waiter.enqueuedMs,
      sent: () => {
        sentMs = this.#clock.monotonic();
        cancelGiveUp = this.#clock.after(LONGEST_DELIVERY_MS, () => this.#arrived(call));
      },
      settle: (outcome) => {
        if (settled) return;
        settled = true;
        cancelGiveUp?.();
        this.#settle(call, sentMs, outcome);
      },
    };
  }

  #settle(call: WindowCall, sentMs: number | undefined, outcome: SlotOutcome): void {
    if (outcome === "UNUSED" || sentMs === undefined) {
      this.#window.remove(call);
      this.#serve();
      return;
    }
    const nowMs = this.#clock.monotonic();
    if (outcome === "ANSWERED") {
      this.#delay.record(nowMs - sentMs);
      this.#arrived(call, Math.max(sentMs, nowMs - this.#delay.shortestMs));
      return;
    }
    if (outcome === "THROTTLED") {
      // Somebody else uses the key, or the network bunched our calls: from now on this is a full window.
      while (this.#window.free(nowMs) > 0) this.#window.open(nowMs).arrivedByMs = nowMs;
    }
    this.#arrived(call, nowMs);
  }

  #arrived(call: WindowCall, byMs: number = this.#clock.monotonic()): void {
    call.arrivedByMs ??= byMs;
    this.#serve();
  }

  #drop(waiter: Waiter, reason: unknown): void {
    const waiting = this.#waiters.filter((other) => other !== waiter);
    if (waiting.length === this.#waiters.length) return;
    this.#waiters = waiting;
    waiter.refuse(reason);
  }
}

function exhausted(waitMs: number): GatewayError {
  return new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: Math.max(1, Math.ceil(waitMs)) });
}
