import type { RateRequest, RateSlot } from "../cam/index.ts";
import { CallerQueues, exhausted, MOST_WAITING } from "./caller-queues.ts";
import { Forecast } from "./forecast.ts";
import { type LocalRateBudget, LocalReads } from "./local-rate-budget.ts";
import { SlotAsker, type SlotAskerDeps } from "./slot-asker.ts";
import type { TakenSlot } from "./slot-deliveries.ts";
import { SlotDeliveries } from "./slot-deliveries.ts";
import type { WindowKey } from "./slot-store.ts";

/**
 * A wait behind others is an estimate. Whoever comes is let in only where it is so much shorter than he can wait, so
 * that hardly anybody waits in vain (with a tenth, one refusal in thirty came later; the line stays long enough to use
 * every slot). Whoever waits is refused before his deadline only where it is so much too long.
 */
const LETTING_IN_TOLERANCE = 0.3;
const WAITING_TOLERANCE = 0.25;

/**
 * The next slot is asked for so long before the last one held comes due: longer than asking takes on a busy machine.
 * The same for all, because replicas that ask earlier get more.
 */
const LEAD_MS = 100;
const MOST_HELD = 3;

/** Bulk work asks for a slot only so long before the slot comes free: people could use a slot that it holds longer. */
const BULK_LEAD_MS = 50;

export interface SharedQueueDeps extends SlotAskerDeps {
  /** For reads in the present outage of the store. */
  readonly local: () => LocalRateBudget;
}

interface Waiter {
  readonly request: RateRequest;
  readonly caller: string;
  readonly priority: RateRequest["priority"];
  readonly enqueuedMs: number;
  /** Its connection is open. */
  isReady: boolean;
  /** It was foreseen that it gets a slot in time. Before the first answer of the database nothing is. */
  wasForeseen: boolean;
  readonly grant: (slot: RateSlot) => void;
  readonly refuse: (error: unknown) => void;
}

/** What the database can be asked for: a slot for people or for bulk work, or just to take note of adjustments. */
type Asking = RateRequest["priority"] | "note";

/**
 * A replica's queue before one shared window. It asks for one slot at a time and holds few ahead; who gets one is
 * decided when its time has come. So callers take turns to the last moment, and replicas take turns by themselves.
 */
export class SharedQueue {
  readonly #deps: SharedQueueDeps;
  readonly #queues = new CallerQueues<Waiter>(MOST_WAITING);
  readonly #forecast: Forecast;
  readonly #asker: SlotAsker;
  readonly #deliveries: SlotDeliveries;
  readonly #unshared: LocalReads;
  /** Slots whose time has not come, in order. */
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

  /** As RateBudget.take. */
  async take(request: RateRequest): Promise<RateSlot> {
    const { signal } = request;
    signal?.throwIfAborted();
    while (this.#deps.health.outage !== undefined) {
      const unshared = await this.#unshared.take(request);
      if (unshared !== undefined) return unshared;
    }
    this.#forecast.recordDemand(request.caller, this.#deps.clock.monotonic());
    this.#refuseHopeless(request);
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
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** The store went away: whoever waits goes on without it, or is refused. */
  dispatchWithoutStore(): void {
    this.#held = [];
    this.#forecast.forget();
    for (const waiter of [...this.#queues]) {
      this.#queues.remove(waiter);
      this.take(waiter.request).then((slot) => {
        waiter.grant({ ...slot, waitedMs: this.#deps.clock.monotonic() - waiter.enqueuedMs });
      }, waiter.refuse);
    }
    this.#serve();
  }

  /** @throws GatewayError QUOTA_EXHAUSTED where the call cannot get a slot in time. */
  #refuseHopeless(request: RateRequest): void {
    const nowMs = this.#deps.clock.monotonic();
    const expected = this.#forecast.expectedAhead(request.caller, this.#queues.lengthOf(request), nowMs);
    const ahead = request.requeued ? 0 : Math.max(this.#queues.ahead(request), expected);
    const waitMs = this.#waitMs(nowMs, ahead);
    if (waitMs !== undefined && isHopeless(nowMs, waitMs, ahead, request)) throw exhausted(waitMs);
  }

  /** @throws GatewayError QUOTA_EXHAUSTED where the queue is full, and nobody has more waiting than this caller. */
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
    for (const due of this.#held.filter(({ latestMs }) => latestMs <= nowMs)) this.#passOn(due, nowMs);
    const askMs = this.#nextAskMs();
    if (askMs <= nowMs) void this.#ask(nowMs);
    const wakeMs = Math.min(
      this.#held[0]?.latestMs ?? Number.POSITIVE_INFINITY,
      this.#isAsking ? Number.POSITIVE_INFINITY : askMs,
      ...[...this.#queues].map(({ request }) => request.deadlineMs),
    );
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#deps.clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #passOn(slot: TakenSlot, nowMs: number): void {
    this.#held = this.#held.filter((other) => other !== slot);
    const waiter = this.#deliveries.isOver(slot) ? undefined : this.#queues.shift(({ isReady }) => isReady);
    if (waiter === undefined) this.#deliveries.giveUp(slot);
    else waiter.grant(this.#deliveries.open(slot, nowMs - waiter.enqueuedMs));
  }

  #nextAskMs(): number {
    if (this.#isAsking || this.#deps.health.outage !== undefined) return Number.POSITIVE_INFINITY;
    switch (this.#nextAsking) {
      case "interactive": {
        const lastMs = this.#held.at(-1)?.latestMs ?? Number.NEGATIVE_INFINITY;
        return Math.max(this.#openFromMs, lastMs - LEAD_MS);
      }
      case "bulk":
        return Math.max(this.#openFromMs, this.#forecast.bulkTurnMs - BULK_LEAD_MS);
      case "note":
        return this.#openFromMs;
      case undefined:
        return Number.POSITIVE_INFINITY;
    }
  }

  /** People who have no slot yet come first, and bulk work when nobody has. */
  get #nextAsking(): Asking | undefined {
    const held = this.#held.length;
    if (this.#countReady("interactive", held + 1) > held) return held < MOST_HELD ? "interactive" : undefined;
    if (held > 0) return undefined;
    if (this.#countReady("bulk", 1) > 0) return "bulk";
    const hasToTell = this.#deliveries.hasMoves && this.#forecast.hasOthers;
    // While connections are opened, whoever cannot be in time should not have to wait for that.
    const hasToLearn = this.#queues.size > 1 && !this.#forecast.isKnown(this.#deps.clock.monotonic());
    return hasToTell || hasToLearn ? "note" : undefined;
  }

  #countReady(priority: RateRequest["priority"], most: number): number {
    let count = 0;
    for (const waiter of this.#queues) {
      if (waiter.priority === priority && waiter.isReady) count += 1;
      if (count === most) break;
    }
    return count;
  }

  /** Before that the shared window is not to be used. */
  get #openFromMs(): number {
    return this.#deps.health.usableFromMs;
  }

  async #ask(nowMs: number): Promise<void> {
    const asking = this.#nextAsking ?? "note";
    const adjustments = this.#deliveries.takeAdjustments();
    this.#isAsking = true;
    try {
      const withinMs = this.#withinMs(asking, nowMs);
      // A call alone, which is the usual one, gets by without.
      const wantsOutlook = asking !== "interactive" || this.#queues.size > 1;
      const slot = await this.#asker.ask({ bulk: asking === "bulk", withinMs, adjustments, wantsOutlook });
      if (slot !== undefined) this.#held = [...this.#held, slot];
      this.#refuseLate(this.#deps.clock.monotonic(), true);
    } catch (error) {
      // Where the store is away, the budget has been told, and has called leaveStore: nobody waits any more.
      for (const waiter of [...this.#queues]) {
        this.#queues.remove(waiter);
        waiter.refuse(error);
      }
    }
    this.#isAsking = false;
    this.#serve();
  }

  /** How far ahead a slot is of use. */
  #withinMs(asking: Asking, nowMs: number): number {
    if (asking === "note") return -1;
    const lastDeadlineMs = Math.max(...[...this.#queues].map(({ request }) => request.deadlineMs));
    return Math.min(lastDeadlineMs - nowMs, asking === "bulk" ? BULK_LEAD_MS : Number.MAX_VALUE);
  }

  /** Those whose time is over, and with an answer just learned also those who will not get a slot in time. */
  #refuseLate(nowMs: number, hasLearned: boolean): void {
    let ahead = 0;
    for (const waiter of [...this.#queues]) {
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

  /** How long the call behind so many others waits, as far as can be foreseen; undefined where the store has to say. */
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

/** The slot that is foreseen comes too late, or so nearly too late that it is better not to count on it. */
function isHopeless(nowMs: number, waitMs: number, ahead: number, { deadlineMs }: RateRequest): boolean {
  return nowMs + waitMs + (ahead === 0 ? 0 : LETTING_IN_TOLERANCE * waitMs) >= deadlineMs;
}

function willBeLate(waiter: Waiter, nowMs: number, waitMs: number, ahead: number): boolean {
  const isNew = !waiter.wasForeseen;
  waiter.wasForeseen = true;
  if (isNew) return isHopeless(nowMs, waitMs, ahead, waiter.request);
  return nowMs + waitMs >= waiter.request.deadlineMs + (ahead === 0 ? 0 : WAITING_TOLERANCE * waitMs);
}
