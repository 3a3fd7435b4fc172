import type { RateRequest, RateSlot } from "../cam/index.ts";
import { CallerQueues } from "../fair-queue.ts";
import { Forecast, SlotAsker, type SlotAskerDeps } from "./forecast.ts";
import { exhausted, type LocalRateBudget, LocalReads, MOST_WAITING } from "./local-rate-budget.ts";
import { SlotDeliveries, type TakenSlot } from "./slot-deliveries.ts";
import type { WindowKey } from "./slot-store.ts";

/**
 * The estimated wait behind other calls gets a margin, as a fraction of the wait. The queue refuses a new call
 * immediately if wait plus margin exceed its deadline. It refuses a waiting call early only if the wait exceeds the
 * deadline by more than the margin. With a smaller margin, more calls would wait without getting a slot.
 */
const ADMISSION_MARGIN = 0.3;
const WAITING_MARGIN = 0.25;

/**
 * The time before the last held slot is due at which the queue requests the next one: longer than a busy database takes
 * to answer. It must be the same in all replicas, because a replica that requests earlier gets more slots.
 */
const LEAD_MS = 100;
const MOST_HELD = 3;

/** The queue takes no slot further ahead, because a reply may still show that an earlier call arrived late. */
const MOST_AHEAD_MS = 300;

/** If the next statement is further away than this, the queue reports a late call by a separate statement. */
const REPORT_WITHIN_MS = 150;

/** Bulk work requests a slot this long before it is free, so that it holds no slot that a person could use. */
const BULK_LEAD_MS = 50;

interface SharedQueueDeps extends SlotAskerDeps {
  /** Returns the budget for reads in the present outage. */
  readonly local: () => LocalRateBudget;
}

interface Waiter {
  readonly request: RateRequest;
  readonly caller: string;
  readonly priority: RateRequest["priority"];
  readonly enqueuedMs: number;
  /** True after its connection has opened. */
  isReady: boolean;
  /** True after a forecast promised a slot in time. Before the first answer no forecast exists. */
  wasForeseen: boolean;
  readonly grant: (slot: RateSlot) => void;
  readonly refuse: (error: unknown) => void;
}

/** The next statement. */
interface Plan {
  /** A slot for interactive calls, a slot for bulk work, or only a report of adjustments and a forecast ("note"). */
  readonly asking: RateRequest["priority"] | "note";
  readonly atMs: number;
}

/**
 * A replica's queue for one shared window. `take` is where a call gets its slot. The queue requests one slot at a time
 * and holds at most three in advance. It gives a slot to the next call only when the slot is due, so callers take turns
 * until then, and replicas get equal shares without talking to each other.
 */
export class SharedQueue {
  readonly #deps: SharedQueueDeps;
  readonly #queues = new CallerQueues<Waiter>(MOST_WAITING);
  readonly #forecast: Forecast;
  readonly #asker: SlotAsker;
  readonly #deliveries: SlotDeliveries;
  readonly #unshared: LocalReads;
  /** Slots that are not due yet, in order. */
  #held: readonly TakenSlot[] = [];
  #isAsking = false;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: SharedQueueDeps) {
    const { clock, ratePerSecond, key, observer } = deps;
    this.#deps = deps;
    this.#forecast = new Forecast(deps);
    this.#asker = new SlotAsker(deps, this.#forecast);
    this.#unshared = new LocalReads(deps);
    this.#deliveries = new SlotDeliveries({
      clock,
      ratePerSecond,
      onMissed: (lateMs) => observer?.onSlotMissed?.({ ...key, lateMs }),
      onThrottled: (slot) => void this.#backOff(slot),
      onSettled: () => this.#serve(),
    });
  }

  get key(): WindowKey {
    return this.#deps.key;
  }

  get queued(): number {
    return this.#queues.size;
  }

  /** Same as RateBudget.take. */
  async take(request: RateRequest): Promise<RateSlot> {
    const { signal } = request;
    signal?.throwIfAborted();
    while (this.#deps.health.outage !== undefined) {
      const unshared = await this.#unshared.take(request);
      if (unshared !== undefined) return unshared;
    }
    this.#forecast.recordDemand(request.caller, this.#deps.clock.monotonic());
    this.#refuseTooLate(request);
    this.#makeRoom(request);
    return this.#enqueue(request);
  }

  #enqueue(request: RateRequest): Promise<RateSlot> {
    const { caller, priority, signal, ready } = request;
    const { promise, resolve: grant, reject: refuse } = Promise.withResolvers<RateSlot>();
    const enqueuedMs = this.#deps.clock.monotonic();
    const isReady = ready === undefined;
    const wasForeseen = this.#waitMs(enqueuedMs, 0) !== undefined;
    const waiter: Waiter = {
      ...{ request, caller, priority, enqueuedMs, grant, refuse },
      ...{ isReady, wasForeseen },
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
  dispatchWithoutStore(): void {
    this.#held = [];
    this.#forecast.forget();
    for (const waiter of this.#queues.inOrder()) {
      this.#queues.remove(waiter);
      this.take(waiter.request).then((slot) => {
        waiter.grant({ ...slot, waitedMs: this.#deps.clock.monotonic() - waiter.enqueuedMs });
      }, waiter.refuse);
    }
    this.#serve();
  }

  /** @throws GatewayError QUOTA_EXHAUSTED if the call cannot get a slot in time. */
  #refuseTooLate(request: RateRequest): void {
    const nowMs = this.#deps.clock.monotonic();
    const expected = this.#forecast.expectedAhead(request.caller, this.#queues.lengthOf(request), nowMs);
    const ahead = request.requeued ? 0 : Math.max(this.#queues.ahead(request), expected);
    const waitMs = this.#waitMs(nowMs, ahead);
    if (waitMs !== undefined && isTooLate(nowMs, waitMs, ahead, request)) throw exhausted(waitMs);
  }

  /** @throws GatewayError QUOTA_EXHAUSTED if the queue is full and no caller has more calls in it than this one. */
  #makeRoom(request: RateRequest): void {
    const nowMs = this.#deps.clock.monotonic();
    const room = this.#queues.makeRoom(request);
    if (room === false) throw exhausted(this.#waitMs(nowMs, this.#queues.ahead(request)) ?? 0);
    room.dropped?.refuse(exhausted(this.#waitMs(nowMs, this.#queues.ahead(room.dropped)) ?? 0));
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#deps.clock.monotonic();
    this.#refuseLate(nowMs, false);
    for (const due of this.#held.filter(({ latestMs }) => latestMs <= nowMs)) this.#dispatch(due, nowMs);
    const plan = this.#plan(nowMs);
    if (plan !== undefined && plan.atMs <= nowMs) void this.#ask(plan.asking, nowMs);
    const wakeMs = Math.min(
      this.#held[0]?.latestMs ?? Number.POSITIVE_INFINITY,
      (this.#isAsking ? undefined : plan?.atMs) ?? Number.POSITIVE_INFINITY,
      ...this.#queues.inOrder().map(({ request }) => request.deadlineMs),
    );
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#deps.clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #dispatch(slot: TakenSlot, nowMs: number): void {
    this.#held = this.#held.filter((other) => other !== slot);
    const waiter = this.#deliveries.isOver(slot) ? undefined : this.#queues.shift(({ isReady }) => isReady);
    if (waiter === undefined) this.#deliveries.giveUp(slot);
    else waiter.grant(this.#deliveries.open(slot, nowMs - waiter.enqueuedMs));
  }

  #plan(nowMs: number): Plan | undefined {
    if (this.#isAsking || this.#deps.health.outage !== undefined) return undefined;
    const next = this.#nextSlot();
    const canWait = next !== undefined && next.atMs - nowMs <= REPORT_WITHIN_MS;
    const hasToTell = this.#deliveries.hasMoves && this.#forecast.hasOthers && !canWait;
    // Get a forecast, to refuse a call that cannot be in time before its connection is open.
    const hasToLearn = next === undefined && this.#queues.size > 1 && !this.#forecast.isKnown(nowMs);
    const plan: Plan | undefined =
      hasToTell || hasToLearn ? { asking: "note", atMs: Number.NEGATIVE_INFINITY } : next;
    return plan && { ...plan, atMs: Math.max(plan.atMs, this.#openFromMs) };
  }

  /** Interactive calls come first. Bulk work requests a slot only while the queue holds none. */
  #nextSlot(): Plan | undefined {
    const held = this.#held.length;
    if (this.#countReady("interactive", held + 1) > held) {
      if (held === MOST_HELD) return undefined;
      const lastMs = this.#held.at(-1)?.latestMs ?? Number.NEGATIVE_INFINITY;
      return { asking: "interactive", atMs: Math.max(lastMs, this.#forecast.nextSlotMs) - LEAD_MS };
    }
    if (held > 0 || this.#countReady("bulk", 1) === 0) return undefined;
    return { asking: "bulk", atMs: this.#forecast.bulkTurnMs - BULK_LEAD_MS };
  }

  #countReady(priority: RateRequest["priority"], most: number): number {
    let count = 0;
    for (const waiter of this.#queues.inOrder()) {
      if (waiter.priority === priority && waiter.isReady) count += 1;
      if (count === most) break;
    }
    return count;
  }

  /** The queue takes no slot before this time. */
  get #openFromMs(): number {
    return this.#deps.health.usableFromMs;
  }

  async #ask(asking: Plan["asking"], nowMs: number): Promise<void> {
    const adjustments = this.#deliveries.takeAdjustments();
    this.#isAsking = true;
    try {
      const withinMs = this.#withinMs(asking, nowMs);
      // A single call, which is the usual case, needs no forecast.
      const wantsOutlook = asking !== "interactive" || this.#queues.size > 1;
      const slot = await this.#asker.ask({ bulk: asking === "bulk", withinMs, adjustments, wantsOutlook });
      if (slot !== undefined) this.#held = [...this.#held, slot];
      this.#refuseLate(this.#deps.clock.monotonic(), true);
    } catch (error) {
      // In an outage dispatchWithoutStore has emptied the queue. Any other error ends the calls that wait.
      for (const waiter of this.#queues.inOrder()) {
        this.#queues.remove(waiter);
        waiter.refuse(error);
      }
    }
    this.#isAsking = false;
    this.#serve();
  }

  /** Returns how far ahead a useful slot may lie. */
  #withinMs(asking: Plan["asking"], nowMs: number): number {
    if (asking === "note") return -1;
    const lastDeadlineMs = Math.max(...this.#queues.inOrder().map(({ request }) => request.deadlineMs));
    return Math.min(lastDeadlineMs - nowMs, asking === "bulk" ? BULK_LEAD_MS : MOST_AHEAD_MS);
  }

  /** Refuses the calls whose deadline has passed and, after an answer, those that will not get a slot in time. */
  #refuseLate(nowMs: number, hasLearned: boolean): void {
    let ahead = 0;
    for (const waiter of this.#queues.inOrder()) {
      const isOver = waiter.request.deadlineMs <= nowMs;
      const waitMs = isOver || hasLearned ? this.#waitMs(nowMs, ahead) : undefined;
      if (isOver || (waitMs !== undefined && willBeLate(waiter, nowMs, waitMs, ahead))) {
        this.#queues.remove(waiter);
        waiter.refuse(exhausted(waitMs ?? 0));
      } else {
        ahead += 1;
      }
    }
  }

  /** Returns how long a call behind `ahead` others waits, or undefined if only a new answer can show it. */
  #waitMs(nowMs: number, ahead: number): number | undefined {
    const closedMs = this.#openFromMs - nowMs;
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

/** Returns whether the forecast slot comes too late, or too close to the deadline to count on. */
function isTooLate(nowMs: number, waitMs: number, ahead: number, { deadlineMs }: RateRequest): boolean {
  return nowMs + waitMs + (ahead === 0 ? 0 : ADMISSION_MARGIN * waitMs) >= deadlineMs;
}

function willBeLate(waiter: Waiter, nowMs: number, waitMs: number, ahead: number): boolean {
  const isNew = !waiter.wasForeseen;
  waiter.wasForeseen = true;
  if (isNew) return isTooLate(nowMs, waitMs, ahead, waiter.request);
  return nowMs + waitMs >= waiter.request.deadlineMs + (ahead === 0 ? 0 : WAITING_MARGIN * waitMs);
}
