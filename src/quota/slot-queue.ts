import type { Slot, SlotRequest } from "../cam/index.ts";
import type { Clock, ClockBounds } from "../clock.ts";
import { CallerQueues } from "../fair-queue.ts";
import {
  ADMISSION_MARGIN,
  Forecast,
  isTooLate,
  MAX_WAITING,
  quotaExhausted,
  WAITING_MARGIN,
} from "./forecast.ts";
import type { OutageQuota } from "./outage-quota.ts";
import type { QuotaObserver } from "./quota-observer.ts";
import { SlotDeliveries, type TakenSlot } from "./slot-deliveries.ts";
import type { SlotStore, TakeSlotRequest, WindowKey } from "./slot-store.ts";
import type { StoreHealth } from "./store-health.ts";

/**
 * The queue requests its next slot this long before its last held slot is due, or before the next slot is free if the
 * last answer granted none. All replicas need the same value: one that requests earlier gets more slots.
 */
const LEAD_MS = 100;
const MAX_HELD = 3;

/** The queue takes no slot further ahead, because a reply may still show that an earlier call arrived late. */
const MAX_AHEAD_MS = 300;

/** While other replicas use the window, the queue reports the moved slot of a late call within this time. */
const REPORT_WITHIN_MS = 150;

/** Bulk work requests a slot only this long before it is free, so that it holds none that a person could use. */
const BULK_LEAD_MS = 50;

interface SlotQueueDeps {
  readonly key: WindowKey;
  readonly replica: string;
  readonly ratePerSecond: number;
  readonly clock: Clock;
  readonly databaseClock: ClockBounds;
  readonly store: SlotStore;
  readonly health: StoreHealth;
  readonly observer: QuotaObserver | undefined;
  /** Returns the quota of the present outage. Undefined while the store gives slots. */
  readonly outageQuota: () => OutageQuota | undefined;
}

interface Waiter {
  readonly request: SlotRequest;
  readonly caller: string;
  readonly priority: SlotRequest["priority"];
  readonly enqueuedMs: number;
  /** True once `ready` of the request has resolved. */
  isReady: boolean;
  /** True once its wait was estimated. ADMISSION_MARGIN judges the first estimate, and WAITING_MARGIN the later ones. */
  hasForecast: boolean;
  readonly grant: (slot: Slot) => void;
  readonly refuse: (error: unknown) => void;
}

/** The next statement. */
interface SlotStatement {
  /** A slot for interactive calls, a slot for bulk work, or only a report of adjustments and a forecast ("report"). */
  readonly purpose: SlotRequest["priority"] | "report";
  readonly atMs: number;
}

/**
 * A replica's queue for one shared window. `take` is where a call gets its slot. The queue requests one slot at a time
 * and holds at most MAX_HELD slots that are not due yet. It gives a slot to the next call only when the slot is due, so
 * callers take turns until then. All replicas request their slots one by one and equally early, so their shares are
 * equal.
 */
export class SlotQueue {
  readonly key: WindowKey;
  readonly #deps: SlotQueueDeps;
  readonly #queues = new CallerQueues<Waiter>(MAX_WAITING);
  readonly #forecast: Forecast;
  readonly #deliveries: SlotDeliveries;
  /** Slots that are not due yet, in order. */
  #held: readonly TakenSlot[] = [];
  #isRequesting = false;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: SlotQueueDeps) {
    const { clock, ratePerSecond, key, observer } = deps;
    this.key = key;
    this.#deps = deps;
    this.#forecast = new Forecast(deps);
    this.#deliveries = new SlotDeliveries({
      clock,
      ratePerSecond,
      onMissed: (lateMs) => observer?.onSlotMissed?.({ ...key, lateMs }),
      onThrottled: (slot) => void this.#backOff(slot),
      onSettled: () => this.#serve(),
    });
  }

  get queued(): number {
    return this.#queues.size;
  }

  /** Same as Quota.take. */
  async take(request: SlotRequest): Promise<Slot> {
    const { signal } = request;
    signal?.throwIfAborted();
    for (let quota = this.#deps.outageQuota(); quota !== undefined; quota = this.#deps.outageQuota()) {
      const slot = await quota.take(request);
      if (slot !== undefined) return slot;
    }
    this.#forecast.recordDemand(request.caller, this.#deps.clock.monotonic());
    this.#admit(request);
    return this.#enqueue(request);
  }

  #enqueue(request: SlotRequest): Promise<Slot> {
    const { caller, priority, signal, ready } = request;
    const { promise, resolve: grant, reject: refuse } = Promise.withResolvers<Slot>();
    const enqueuedMs = this.#deps.clock.monotonic();
    const waiter: Waiter = {
      ...{ request, caller, priority, enqueuedMs, grant, refuse },
      ...{ isReady: ready === undefined, hasForecast: this.#waitMs(enqueuedMs, 0) !== undefined },
    };
    if (request.requeued) this.#queues.pushFront(waiter);
    else this.#queues.push(waiter);
    void ready?.then(() => {
      waiter.isReady = true;
      this.#serve();
    });
    const onAbort = (): void => {
      if (this.#queues.remove(waiter)) refuse(signal?.reason);
      this.#serve();
    };
    signal?.addEventListener("abort", onAbort);
    this.#serve();
    return signal ? promise.finally(() => signal.removeEventListener("abort", onAbort)) : promise;
  }

  /** Empties the queue when an outage begins: reads continue at the local rate, writes are refused. */
  beginOutage(): void {
    this.#held = [];
    this.#forecast.clear();
    for (const waiter of this.#queues.inOrder()) {
      this.#queues.remove(waiter);
      this.take(waiter.request).then((slot) => {
        waiter.grant({ ...slot, waitedMs: this.#deps.clock.monotonic() - waiter.enqueuedMs });
      }, waiter.refuse);
    }
    this.#serve();
  }

  /** @throws GatewayError QUOTA_EXHAUSTED if the call cannot get a slot in time, or the queue has no room for it. */
  #admit(request: SlotRequest): void {
    const nowMs = this.#deps.clock.monotonic();
    const expected = this.#forecast.expectedAhead(request.caller, this.#queues.lengthOf(request), nowMs);
    const ahead = request.requeued ? 0 : Math.max(this.#queues.ahead(request), expected);
    const waitMs = this.#waitMs(nowMs, ahead);
    const isLate = isTooLate(request.deadlineMs, { nowMs, waitMs, ahead }, ADMISSION_MARGIN);
    if (isLate) throw quotaExhausted(waitMs ?? 0);
    const room = this.#queues.makeRoom(request);
    if (room === false) throw quotaExhausted(this.#waitMs(nowMs, this.#queues.ahead(request)) ?? 0);
    room.dropped?.refuse(quotaExhausted(this.#waitMs(nowMs, this.#queues.ahead(room.dropped)) ?? 0));
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#deps.clock.monotonic();
    this.#refuseWaiting(nowMs, false);
    for (const due of this.#held.filter(({ latestMs }) => latestMs <= nowMs)) this.#dispatch(due, nowMs);
    const statement = this.#nextStatement(nowMs);
    if (statement !== undefined && statement.atMs <= nowMs) void this.#requestSlot(statement.purpose, nowMs);
    const wakeMs = Math.min(
      this.#held[0]?.latestMs ?? Number.POSITIVE_INFINITY,
      (this.#isRequesting ? undefined : statement?.atMs) ?? Number.POSITIVE_INFINITY,
      ...this.#queues.inOrder().map(({ request }) => request.deadlineMs),
    );
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#deps.clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #dispatch(slot: TakenSlot, nowMs: number): void {
    this.#held = this.#held.filter((other) => other !== slot);
    const waiter = this.#deliveries.hasExpired(slot)
      ? undefined
      : this.#queues.shift(({ isReady }) => isReady);
    if (waiter === undefined) this.#deliveries.release(slot);
    else waiter.grant(this.#deliveries.open(slot, nowMs - waiter.enqueuedMs));
  }

  #nextStatement(nowMs: number): SlotStatement | undefined {
    if (this.#isRequesting || this.#deps.health.outage !== undefined) return undefined;
    const next = this.#nextSlot();
    const canWait = next !== undefined && next.atMs - nowMs <= REPORT_WITHIN_MS;
    const mustReport = this.#deliveries.hasMovedSlots && this.#forecast.hasOthers && !canWait;
    // With a forecast now, the queue refuses a call that would be late while its connection still opens.
    const needsForecast = next === undefined && this.#queues.size > 1 && !this.#forecast.isKnown(nowMs);
    const statement: SlotStatement | undefined =
      mustReport || needsForecast ? { purpose: "report", atMs: Number.NEGATIVE_INFINITY } : next;
    return statement && { ...statement, atMs: Math.max(statement.atMs, this.#deps.health.slotsFromMs) };
  }

  /** Interactive calls come first. Bulk work requests a slot only while the queue holds none. */
  #nextSlot(): SlotStatement | undefined {
    const held = this.#held.length;
    if (this.#countReady("interactive", held + 1) > held) {
      if (held === MAX_HELD) return undefined;
      const lastMs = this.#held.at(-1)?.latestMs ?? Number.NEGATIVE_INFINITY;
      return { purpose: "interactive", atMs: Math.max(lastMs, this.#forecast.nextSlotMs) - LEAD_MS };
    }
    if (held > 0 || this.#countReady("bulk", 1) === 0) return undefined;
    return { purpose: "bulk", atMs: this.#forecast.bulkTurnMs - BULK_LEAD_MS };
  }

  #countReady(priority: SlotRequest["priority"], most: number): number {
    let count = 0;
    for (const waiter of this.#queues.inOrder()) {
      if (waiter.priority === priority && waiter.isReady) count += 1;
      if (count === most) break;
    }
    return count;
  }

  async #requestSlot(purpose: SlotStatement["purpose"], nowMs: number): Promise<void> {
    const adjustments = this.#deliveries.takeAdjustments();
    this.#isRequesting = true;
    try {
      const withinMs = this.#withinMs(purpose, nowMs);
      // A single call, which is the usual case, needs no forecast.
      const wantsOutlook = purpose !== "interactive" || this.#queues.size > 1;
      const slot = await this.#takeSlot({ bulk: purpose === "bulk", withinMs, adjustments, wantsOutlook });
      if (slot !== undefined) this.#held = [...this.#held, slot];
      this.#refuseWaiting(this.#deps.clock.monotonic(), true);
    } catch (error) {
      // In an outage beginOutage has emptied the queue. Any other error ends the calls that wait.
      for (const waiter of this.#queues.inOrder()) {
        this.#queues.remove(waiter);
        waiter.refuse(error);
      }
    }
    this.#isRequesting = false;
    this.#serve();
  }

  /** Requests a slot. Returns undefined if it would lie too far ahead. @throws GatewayError STORE_UNAVAILABLE */
  async #takeSlot(
    request: Omit<TakeSlotRequest, "replica" | "ratePerSecond">,
  ): Promise<TakenSlot | undefined> {
    const { key, replica, ratePerSecond, clock, databaseClock, store, health, observer } = this.#deps;
    const requestedMs = clock.monotonic();
    const answer = await health.run(key, () => store.take(key, { ...request, replica, ratePerSecond }));
    const tookMs = clock.monotonic() - requestedMs;
    const { granted, slotMs, nowMs, windowMs } = answer;
    databaseClock.observe(nowMs, answer.sentMs, answer.answeredMs);
    this.#forecast.update(answer);
    const answered = { action: key.action, bulk: request.bulk, granted, windowMs, tookMs };
    observer?.onSlotAnswer?.({ ...answered, aheadMs: slotMs - nowMs });
    if (!granted) return undefined;
    const latestMs = databaseClock.latest(slotMs);
    return { slotMs, latestMs, earliestMs: latestMs - databaseClock.uncertaintyMs };
  }

  /** Returns how far ahead a useful slot may lie. */
  #withinMs(purpose: SlotStatement["purpose"], nowMs: number): number {
    if (purpose === "report") return -1;
    const lastDeadlineMs = Math.max(...this.#queues.inOrder().map(({ request }) => request.deadlineMs));
    return Math.min(lastDeadlineMs - nowMs, purpose === "bulk" ? BULK_LEAD_MS : MAX_AHEAD_MS);
  }

  /** Refuses the calls whose deadline has passed and, after an answer, those that will not get a slot in time. */
  #refuseWaiting(nowMs: number, hasLearned: boolean): void {
    let ahead = 0;
    for (const waiter of this.#queues.inOrder()) {
      const { deadlineMs } = waiter.request;
      const isOver = deadlineMs <= nowMs;
      const waitMs = isOver || hasLearned ? this.#waitMs(nowMs, ahead) : undefined;
      const margin = waiter.hasForecast ? WAITING_MARGIN : ADMISSION_MARGIN;
      if (waitMs !== undefined) waiter.hasForecast = true;
      if (isOver || isTooLate(deadlineMs, { nowMs, waitMs, ahead }, margin)) {
        this.#queues.remove(waiter);
        waiter.refuse(quotaExhausted(waitMs ?? 0));
      } else {
        ahead += 1;
      }
    }
  }

  /** Returns how long a call behind `ahead` others waits, or undefined if only a new answer can show it. */
  #waitMs(nowMs: number, ahead: number): number | undefined {
    const closedMs = this.#deps.health.slotsFromMs - nowMs;
    const foreseenMs = this.#forecast.waitMs(nowMs, ahead, this.#held);
    if (foreseenMs === undefined) return closedMs > 0 ? closedMs : undefined;
    return Math.max(closedMs, foreseenMs);
  }

  async #backOff({ slotMs }: TakenSlot): Promise<void> {
    const { health, store, key, observer } = this.#deps;
    const isNews = await health.run(key, () => store.backOff(key, slotMs)).catch(() => false);
    if (isNews) observer?.onThrottled?.(key);
  }
}
