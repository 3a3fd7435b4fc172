import type { RateRequest, RateSlot } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { CallerDemand } from "./caller-demand.ts";
import type { DatabaseClock } from "./database-clock.ts";
import { exhausted } from "./exhausted.ts";
import { Forecast } from "./forecast.ts";
import type { LocalRateBudget } from "./local-rate-budget.ts";
import type { QuotaObserver } from "./quota-observer.ts";
import { SlotDeliveries } from "./slot-deliveries.ts";
import type { SlotAnswer, SlotStore, WindowKey } from "./slot-store.ts";
import type { StoreHealth } from "./store-health.ts";
import type { TakenSlot } from "./taken-slot.ts";
import { UnsharedReads } from "./unshared-reads.ts";
import { MOST_WAITING, WaitingLines } from "./waiting-lines.ts";

/**
 * A wait behind others is an estimate. Whoever comes is let in only where it is so much shorter than he can wait, so
 * that few wait in vain, and whoever waits is refused before his deadline only where it is so much too long.
 */
const LETTING_IN_TOLERANCE = 0.1;
const WAITING_TOLERANCE = 0.25;

/**
 * The next slot is asked for so long before the last one held comes due: longer than asking takes on a busy machine.
 * The same for all, because replicas that ask earlier get more.
 */
const LEAD_MS = 100;
const MOST_HELD = 3;

/** Bulk work holds no slot that people could use, but for the time that the answer takes, and no more than this. */
const MOST_BULK_LEAD_MS = 50;

/** How fast slow answers are forgotten. */
const ASKING_MEMORY = 0.9;

export interface SharedQueueDeps {
  readonly key: WindowKey;
  readonly replica: string;
  readonly callsPerSecond: number;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly store: SlotStore;
  readonly health: StoreHealth;
  /** For reads in the present outage of the store. */
  readonly local: () => LocalRateBudget;
  readonly observer: QuotaObserver | undefined;
}

interface Waiter {
  readonly request: RateRequest;
  readonly caller: string;
  readonly priority: RateRequest["priority"];
  readonly enqueuedMs: number;
  readonly grant: (slot: RateSlot) => void;
  readonly refuse: (error: unknown) => void;
}

/** What the database can be asked for: a slot for people or for bulk work, or just to take note of corrections. */
type Asking = RateRequest["priority"] | "note";

/**
 * A replica's queue before one shared window. It asks for one slot at a time and holds few ahead; who gets one is
 * decided when its time has come. So callers take turns to the last moment, and replicas take turns by themselves.
 */
export class SharedQueue {
  readonly #deps: SharedQueueDeps;
  readonly #lines = new WaitingLines<Waiter>(MOST_WAITING);
  readonly #demand = new CallerDemand();
  readonly #forecast: Forecast;
  readonly #deliveries: SlotDeliveries;
  readonly #unshared: UnsharedReads;
  /** Slots whose time has not come, in order. */
  #held: readonly TakenSlot[] = [];
  #isAsking = false;
  /** How long the slowest of the latest answers took. */
  #askingTakesMs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: SharedQueueDeps) {
    const { clock, callsPerSecond, key, observer } = deps;
    this.#deps = deps;
    this.#forecast = new Forecast(deps);
    this.#unshared = new UnsharedReads(deps);
    this.#deliveries = new SlotDeliveries({
      clock,
      callsPerSecond,
      onMissed: (lateMs) => observer?.onSlotMissed?.({ action: key.action, lateMs }),
      onThrottled: (slot) => void this.#widen(slot),
      onSettled: () => this.#serve(),
    });
  }

  get key(): WindowKey {
    return this.#deps.key;
  }

  get queued(): number {
    return this.#lines.size;
  }

  /** As RateBudget.take. */
  async take(request: RateRequest): Promise<RateSlot> {
    const { signal } = request;
    signal?.throwIfAborted();
    while (this.#deps.health.away !== undefined) {
      const unshared = await this.#unshared.take(request);
      if (unshared !== undefined) return unshared;
    }
    this.#admit(request);
    const { promise, resolve: grant, reject: refuse } = Promise.withResolvers<RateSlot>();
    const { caller, priority } = request;
    const enqueuedMs = this.#deps.clock.monotonic();
    const waiter: Waiter = { request, caller, priority, enqueuedMs, grant, refuse };
    if (request.missedSlot) this.#lines.pushFront(waiter);
    else this.#lines.push(waiter);
    const onAbort = (): void => {
      if (this.#lines.remove(waiter)) refuse(signal?.reason);
      this.#serve();
    };
    signal?.addEventListener("abort", onAbort);
    this.#serve();
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** The store went away: whoever waits goes on without it, or is refused. */
  leaveStore(): void {
    this.#held = [];
    this.#forecast.forget();
    for (const waiter of [...this.#lines]) {
      this.#lines.remove(waiter);
      this.take(waiter.request).then((slot) => {
        waiter.grant({ ...slot, waitedMs: this.#deps.clock.monotonic() - waiter.enqueuedMs });
      }, waiter.refuse);
    }
    this.#serve();
  }

  /** @throws GatewayError QUOTA_EXHAUSTED where the call cannot get a slot in time, or the queue is full. */
  #admit(request: RateRequest): void {
    const nowMs = this.#deps.clock.monotonic();
    const ahead = request.missedSlot ? 0 : this.#expectedAhead(request, nowMs);
    const waitMs = this.#waitMs(nowMs, ahead);
    const toleranceMs = ahead === 0 ? 0 : (waitMs ?? 0) * LETTING_IN_TOLERANCE;
    if (waitMs !== undefined && nowMs + waitMs + toleranceMs >= request.deadlineMs) throw exhausted(waitMs);
    const room = this.#lines.makeRoom(request);
    if (room === false) throw exhausted(waitMs ?? 0);
    room.dropped?.refuse(exhausted(this.#waitMs(nowMs, this.#lines.ahead(room.dropped)) ?? 0));
  }

  /** How many go before, if everybody goes on to ask as often as lately. */
  #expectedAhead(request: RateRequest, nowMs: number): number {
    this.#demand.record(request.caller, nowMs);
    const ahead = this.#lines.ahead(request);
    const { slotsPerMs } = this.#forecast;
    if (slotsPerMs === undefined) return ahead;
    const share = this.#demand.shareOf(request.caller, slotsPerMs, nowMs) / slotsPerMs;
    // Others whose line is empty now may have a call waiting whenever it would be their turn.
    return Math.max(ahead, (this.#lines.lengthOf(request) + 1) / share - 1);
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#deps.clock.monotonic();
    this.#refuse(nowMs, ({ request }) => request.deadlineMs <= nowMs);
    for (const due of this.#held.filter(({ latestMs }) => latestMs <= nowMs)) this.#passOn(due, nowMs);
    const askMs = this.#nextAskMs();
    if (askMs <= nowMs) void this.#ask(nowMs);
    const wakeMs = Math.min(
      this.#held[0]?.latestMs ?? Number.POSITIVE_INFINITY,
      this.#isAsking ? Number.POSITIVE_INFINITY : askMs,
      ...[...this.#lines].map(({ request }) => request.deadlineMs),
    );
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#deps.clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #passOn(slot: TakenSlot, nowMs: number): void {
    this.#held = this.#held.filter((other) => other !== slot);
    const waiter = this.#deliveries.isOver(slot) ? undefined : this.#lines.shift();
    if (waiter === undefined) this.#deliveries.giveUp(slot);
    else waiter.grant(this.#deliveries.open(slot, nowMs - waiter.enqueuedMs));
  }

  #nextAskMs(): number {
    if (this.#isAsking || this.#deps.health.away !== undefined) return Number.POSITIVE_INFINITY;
    switch (this.#nextAsking) {
      case "interactive": {
        const lastMs = this.#held.at(-1)?.latestMs ?? Number.NEGATIVE_INFINITY;
        return Math.max(this.#openFromMs, lastMs - LEAD_MS);
      }
      case "bulk":
        return Math.max(this.#openFromMs, this.#forecast.bulkTurnMs - this.#bulkLeadMs);
      case "note":
        return this.#openFromMs;
      case undefined:
        return Number.POSITIVE_INFINITY;
    }
  }

  /** People who have no slot yet come first, and bulk work when nobody has. */
  get #nextAsking(): Asking | undefined {
    if (this.#lines.interactive > this.#held.length && this.#held.length < MOST_HELD) return "interactive";
    if (this.#held.length > 0) return undefined;
    if (this.#lines.bulk > 0) return "bulk";
    return this.#deliveries.hasMoves && this.#forecast.othersAreThere ? "note" : undefined;
  }

  get #bulkLeadMs(): number {
    return Math.min(MOST_BULK_LEAD_MS, this.#askingTakesMs);
  }

  /** Before that the shared window is not to be used. */
  get #openFromMs(): number {
    return this.#deps.health.usableFromMs;
  }

  async #ask(nowMs: number): Promise<void> {
    const { clock, key, replica, callsPerSecond, store, health } = this.#deps;
    const asking = this.#nextAsking ?? "note";
    const question = {
      replica,
      limit: callsPerSecond,
      bulk: asking === "bulk",
      withinMs: this.#withinMs(asking, nowMs),
      corrections: this.#deliveries.takeCorrections(),
    };
    this.#isAsking = true;
    try {
      const answer = await health.run(() => store.take(key, question));
      this.#isAsking = false;
      const tookMs = clock.monotonic() - nowMs;
      this.#askingTakesMs = Math.max(tookMs, this.#askingTakesMs * ASKING_MEMORY);
      this.#learn(answer, question.bulk, tookMs);
    } catch (error) {
      this.#isAsking = false;
      // Where the store is away, the budget has been told, and has called leaveStore: nobody waits any more.
      for (const waiter of [...this.#lines]) {
        this.#lines.remove(waiter);
        waiter.refuse(error);
      }
    }
    this.#serve();
  }

  /** How far ahead a slot is of use. */
  #withinMs(asking: Asking, nowMs: number): number {
    if (asking === "note") return -1;
    const lastDeadlineMs = Math.max(...[...this.#lines].map(({ request }) => request.deadlineMs));
    return Math.min(lastDeadlineMs - nowMs, asking === "bulk" ? this.#bulkLeadMs : Number.MAX_VALUE);
  }

  #learn(answer: SlotAnswer, bulk: boolean, tookMs: number): void {
    const { clock, databaseClock, key, observer } = this.#deps;
    const { granted, slotMs, windowMs } = answer;
    databaseClock.observe(answer.nowMs, answer.sentMs, answer.answeredMs);
    this.#forecast.learn(answer);
    if (granted) {
      const latestMs = databaseClock.latest(slotMs);
      this.#held = [...this.#held, { slotMs, latestMs, earliestMs: latestMs - databaseClock.uncertaintyMs }];
    }
    const aheadMs = slotMs - answer.nowMs;
    observer?.onAsked?.({ action: key.action, bulk, granted, aheadMs, windowMs, tookMs });
    const nowMs = clock.monotonic();
    this.#refuse(nowMs, ({ request }, waitMs = 0, ahead) => {
      const toleranceMs = ahead === 0 ? 0 : WAITING_TOLERANCE * waitMs;
      return nowMs + waitMs >= request.deadlineMs + toleranceMs;
    });
  }

  #refuse(
    nowMs: number,
    isLate: (waiter: Waiter, waitMs: number | undefined, ahead: number) => boolean,
  ): void {
    let ahead = 0;
    for (const waiter of [...this.#lines]) {
      const waitMs = this.#waitMs(nowMs, ahead);
      if (isLate(waiter, waitMs, ahead)) {
        this.#lines.remove(waiter);
        waiter.refuse(exhausted(waitMs ?? 0));
      } else {
        ahead += 1;
      }
    }
  }

  /** How long the call behind so many others waits, as far as can be foreseen; undefined where the store has to say. */
  #waitMs(nowMs: number, ahead: number): number | undefined {
    const closedMs = this.#openFromMs - nowMs;
    const foreseenMs = this.#forecast.waitMs(nowMs, ahead, this.#held);
    if (foreseenMs === undefined) return closedMs > 0 ? closedMs : undefined;
    return Math.max(closedMs, foreseenMs);
  }

  async #widen({ slotMs }: TakenSlot): Promise<void> {
    const { health, store, key, observer } = this.#deps;
    const isNews = await health.run(() => store.widen(key, slotMs)).catch(() => false);
    if (isNews) observer?.onThrottled?.({ action: key.action });
  }
}
