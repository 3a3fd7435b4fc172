import type { RateRequest, RateSlot, SlotOutcome } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { CallerDemand } from "./caller-demand.ts";
import type { DatabaseClock } from "./database-clock.ts";
import { DeliveryDelay } from "./delivery-delay.ts";
import { exhausted } from "./exhausted.ts";
import type { LocalRateBudget } from "./local-rate-budget.ts";
import type { QuotaObserver } from "./quota-observer.ts";
import { Schedule } from "./schedule.ts";
import {
  GUARD_MS,
  type SlotAnswer,
  type SlotCorrection,
  type SlotStore,
  type WindowKey,
} from "./slot-store.ts";
import type { StoreHealth } from "./store-health.ts";
import { MOST_WAITING, WaitingLines } from "./waiting-lines.ts";

/** Who comes to writing so late is in time: the rest of the guard is for the way. Later, the slot moves with its call. */
const PROMPT_MS = GUARD_MS / 2;

/** Later still, the database might learn of it when the place is given to the next already; the slot is given up. */
const LATEST_WRITING_MS = 100;

/** A reply that takes longer says nothing about when the call arrived. */
const LONGEST_DELIVERY_MS = 1_000;

/** In windows' worth of calls; see DeliveryDelay. */
const WINDOWS_REMEMBERED = 3;

/**
 * A wait behind others is an estimate. Who may be refused for it has to be so much over or under his deadline: so
 * few are let in who then wait in vain, and none who wait already are refused for a guess.
 */
const ESTIMATE_TOLERANCE = 0.1;

/** The next slot is asked for before the last one held comes due: by this, and longer where answers take longer. */
const LEAST_LEAD_MS = 20;
const MOST_LEAD_MS = 400;
const LEAD_PER_ROUND_TRIP = 3;
const MOST_HELD = 3;

/** Bulk work holds no slot that people could use, but for the time that the answer takes, and no more than this. */
const MOST_BULK_LEAD_MS = 50;

/** How fast slow answers are forgotten. */
const ASKING_MEMORY = 0.9;

/** An answer tells how long the line takes for so long; later, others may have taken much that was not seen. */
const FORESIGHT_MS = 1_000;

export interface SharedQueueDeps {
  readonly key: WindowKey;
  readonly replica: string;
  readonly callsPerSecond: number;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly store: SlotStore;
  readonly health: StoreHealth;
  /** For reads while the store is away. */
  readonly local: LocalRateBudget;
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

/** A slot that is ours in the shared window. */
interface Held {
  /** Where it lies in the row, by the database's clock. */
  slotMs: number;
  readonly takenMs: number;
  /** By our clock, its time has certainly come then, and cannot have come before the other. */
  readonly latestMs: number;
  readonly earliestMs: number;
}

/**
 * A replica's queue before one shared window. It asks for one slot at a time, and for the next when that one's time
 * has come: so who gets it is decided at the last moment, and replicas take turns by themselves.
 */
export class SharedQueue {
  readonly #deps: SharedQueueDeps;
  readonly #lines = new WaitingLines<Waiter>(MOST_WAITING);
  readonly #demand = new CallerDemand();
  readonly #delay: DeliveryDelay;
  /** In the order of their times. */
  #held: readonly Held[] = [];
  #asking = false;
  /** How long the slowest of the latest answers took. */
  #askingTakesMs = 0;
  #schedule: Schedule | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #bulkTurnMs = Number.NEGATIVE_INFINITY;
  /** Until then, calls that went past the shared window may still be in it. */
  #localUntilMs = Number.NEGATIVE_INFINITY;
  /** What the database has not been told yet of our slots. */
  readonly #corrections = new Map<Held, SlotCorrection["toMs"]>();
  #cancelTimer: (() => void) | undefined;

  constructor(deps: SharedQueueDeps) {
    this.#deps = deps;
    this.#delay = new DeliveryDelay(WINDOWS_REMEMBERED * deps.callsPerSecond);
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
    if (this.#deps.health.away !== undefined) return this.#takeAway(request);
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

  /** The store went away: reads go on by themselves, and writes are refused. */
  leaveStore(): void {
    this.#held = [];
    this.#schedule = undefined;
    const waiters = [...this.#lines];
    for (const waiter of waiters) {
      this.#lines.remove(waiter);
      this.#takeAway(waiter.request).then((slot) => {
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
    const toleranceMs = ahead === 0 ? 0 : (waitMs ?? 0) * ESTIMATE_TOLERANCE;
    if (waitMs !== undefined && nowMs + waitMs + toleranceMs >= request.deadlineMs) throw exhausted(waitMs);
    const room = this.#lines.makeRoom(request);
    if (room === false) throw exhausted(waitMs ?? 0);
    room.dropped?.refuse(exhausted(this.#waitMs(nowMs, this.#lines.ahead(room.dropped)) ?? 0));
  }

  /** How many go before, if everybody goes on to ask as often as lately. */
  #expectedAhead(request: RateRequest, nowMs: number): number {
    const { caller } = request;
    this.#demand.record(caller, nowMs);
    const ahead = this.#lines.ahead(request);
    if (this.#schedule === undefined) return ahead;
    const { state, slotsForOneOfOurs } = this.#schedule;
    const callsPerMs = this.#deps.callsPerSecond / state.windowMs / slotsForOneOfOurs;
    const share = this.#demand.shareOf(caller, callsPerMs, nowMs) / callsPerMs;
    return Math.max(ahead, this.#lines.lengthOf(request) / share);
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
      this.#asking ? Number.POSITIVE_INFINITY : askMs,
      ...[...this.#lines].map(({ request }) => request.deadlineMs),
    );
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#deps.clock.after(Math.max(0, Math.ceil(wakeMs - nowMs)), () => this.#serve());
  }

  #passOn(held: Held, nowMs: number): void {
    this.#held = this.#held.filter((other) => other !== held);
    const waiter = isOver(held, nowMs) ? undefined : this.#lines.shift();
    if (waiter === undefined) this.#corrections.set(held, undefined);
    else waiter.grant(this.#open(held, nowMs - waiter.enqueuedMs));
  }

  #nextAskMs(): number {
    if (this.#asking || this.#deps.health.away !== undefined) return Number.POSITIVE_INFINITY;
    const { length } = this.#held;
    switch (this.#nextClass) {
      case "interactive":
        if (length >= MOST_HELD) return Number.POSITIVE_INFINITY;
        return Math.max(
          this.#openFromMs,
          (this.#held.at(-1)?.latestMs ?? Number.NEGATIVE_INFINITY) - this.#leadMs,
        );
      case "report":
        return this.#openFromMs;
      case "bulk":
        return Math.max(this.#openFromMs, this.#bulkTurnMs - this.#bulkLeadMs);
      case undefined:
        return Number.POSITIVE_INFINITY;
    }
  }

  /**
   * For whom a slot is to be asked: people who have none yet, and bulk work only when nobody has. Without either,
   * others may still have to know that a call of ours came late.
   */
  get #nextClass(): RateRequest["priority"] | "report" | undefined {
    if (this.#lines.interactive > this.#held.length) return "interactive";
    if (this.#held.length > 0) return undefined;
    if (this.#lines.bulk > 0) return "bulk";
    const concernsOthers = (this.#schedule?.slotsForOneOfOurs ?? 1) > 1;
    const hasMoved = [...this.#corrections.values()].some((toMs) => toMs !== undefined);
    return concernsOthers && hasMoved ? "report" : undefined;
  }

  get #leadMs(): number {
    return Math.min(MOST_LEAD_MS, LEAST_LEAD_MS + LEAD_PER_ROUND_TRIP * this.#askingTakesMs);
  }

  get #bulkLeadMs(): number {
    return Math.min(MOST_BULK_LEAD_MS, this.#askingTakesMs);
  }

  /** Before that the shared window is not to be used. */
  get #openFromMs(): number {
    return Math.max(this.#deps.health.usableFromMs, this.#localUntilMs);
  }

  async #ask(nowMs: number): Promise<void> {
    const { key, replica, callsPerSecond, store, health, databaseClock, observer } = this.#deps;
    this.#asking = true;
    const asksFor = this.#nextClass;
    const bulk = asksFor === "bulk";
    const question = {
      replica,
      limit: callsPerSecond,
      bulk,
      withinMs: this.#withinMs(asksFor, nowMs),
      corrections: this.#takeCorrections(),
    };
    try {
      const answer = await health.run(() => store.take(key, question));
      this.#asking = false;
      const tookMs = this.#deps.clock.monotonic() - nowMs;
      this.#askingTakesMs = Math.max(tookMs, this.#askingTakesMs * ASKING_MEMORY);
      databaseClock.observe(answer.nowMs, answer.sentMs, answer.answeredMs);
      const { granted, slotMs, windowMs } = answer;
      const aheadMs = slotMs - answer.nowMs;
      observer?.onAsked?.({ action: key.action, bulk, granted, aheadMs, windowMs, tookMs });
      this.#learn(answer);
    } catch (error) {
      this.#asking = false;
      // Where the store is away, the budget has been told, and has called leaveStore: nobody waits any more.
      for (const waiter of [...this.#lines]) {
        this.#lines.remove(waiter);
        waiter.refuse(error);
      }
    }
    this.#serve();
  }

  /** How far ahead a slot is of use. */
  #withinMs(asksFor: RateRequest["priority"] | "report" | undefined, nowMs: number): number {
    if (asksFor === undefined || asksFor === "report") return -1;
    const lastDeadlineMs = Math.max(...[...this.#lines].map(({ request }) => request.deadlineMs));
    return Math.min(lastDeadlineMs - nowMs, asksFor === "bulk" ? this.#bulkLeadMs : Number.MAX_VALUE);
  }

  #learn(answer: SlotAnswer): void {
    const { replica, callsPerSecond, databaseClock } = this.#deps;
    this.#schedule = new Schedule(answer, callsPerSecond, replica);
    this.#answeredMs = answer.answeredMs;
    this.#bulkTurnMs = databaseClock.latest(this.#schedule.bulkTurnMs);
    if (answer.granted) {
      const latestMs = databaseClock.latest(answer.slotMs);
      const earliestMs = latestMs - databaseClock.uncertaintyMs;
      this.#held = [...this.#held, { slotMs: answer.slotMs, takenMs: answer.slotMs, latestMs, earliestMs }];
    }
    const nowMs = this.#deps.clock.monotonic();
    this.#refuse(nowMs, ({ request }, waitMs, ahead) => {
      const tolerance = ahead === 0 ? 0 : ESTIMATE_TOLERANCE * (waitMs ?? 0);
      return waitMs !== undefined && nowMs + waitMs >= request.deadlineMs + tolerance;
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
    const foreseenMs = this.#foreseenMs(nowMs, ahead);
    if (foreseenMs === undefined) return closedMs > 0 ? closedMs : undefined;
    return Math.max(0, closedMs, foreseenMs);
  }

  #foreseenMs(nowMs: number, ahead: number): number | undefined {
    const { length } = this.#held;
    const held = this.#held[Math.floor(ahead)];
    if (held !== undefined) return held.latestMs - nowMs;
    const isFresh = length > 0 || nowMs - this.#answeredMs <= FORESIGHT_MS;
    if (this.#schedule === undefined || !isFresh) return undefined;
    // The schedule knows the slots that we hold. We ask for the next one now, or when our turn comes again.
    const turns = ahead - length + (length > 0 ? 1 : 0);
    const index = Math.round(turns * this.#schedule.slotsForOneOfOurs) - (length > 0 ? 1 : 0);
    return this.#deps.databaseClock.latest(this.#schedule.freeMs(Math.max(0, index))) - nowMs;
  }

  #open(held: Held, waitedMs: number): RateSlot {
    const { clock, key, observer } = this.#deps;
    let sentMs: number | undefined;
    let settled = false;
    return {
      waitedMs,
      sent: () => {
        const nowMs = clock.monotonic();
        if (sentMs === undefined && isOver(held, nowMs)) {
          observer?.onSlotMissed?.({ action: key.action, lateMs: nowMs - held.latestMs });
          return false;
        }
        sentMs ??= nowMs;
        this.#move(held, sentMs - held.earliestMs - PROMPT_MS);
        return true;
      },
      settle: (outcome) => {
        if (settled) return;
        settled = true;
        this.#settle(held, sentMs, outcome);
      },
    };
  }

  #settle(held: Held, sentMs: number | undefined, outcome: SlotOutcome): void {
    const nowMs = this.#deps.clock.monotonic();
    if (sentMs === undefined) {
      if (outcome === "UNUSED") this.#corrections.set(held, undefined);
    } else {
      if (outcome === "ANSWERED") this.#delay.record(nowMs - sentMs);
      const wayBackMs = outcome === "ANSWERED" || outcome === "THROTTLED" ? this.#delay.shortestMs : 0;
      const arrivedByMs = Math.min(Math.max(sentMs, nowMs - wayBackMs), sentMs + LONGEST_DELIVERY_MS);
      this.#move(held, arrivedByMs - held.earliestMs - GUARD_MS);
    }
    if (outcome === "THROTTLED") void this.#widen(held.slotMs);
    this.#serve();
  }

  /** Its call counted later than the guard allows for. */
  #move(held: Held, lateMs: number): void {
    const toMs = held.takenMs + lateMs;
    if (lateMs > 0 && toMs > (this.#corrections.get(held) ?? held.slotMs)) this.#corrections.set(held, toMs);
  }

  #takeCorrections(): SlotCorrection[] {
    const corrections = [...this.#corrections].map(([held, toMs]) => {
      const correction = { slotMs: held.slotMs, toMs };
      held.slotMs = toMs ?? held.slotMs;
      return correction;
    });
    this.#corrections.clear();
    return corrections;
  }

  async #widen(slotMs: number): Promise<void> {
    const { health, store, key, observer } = this.#deps;
    const news = await health.run(() => store.widen(key, slotMs)).catch(() => false);
    if (news) observer?.onThrottled?.({ action: key.action });
  }

  /** Without the store: a slot of our own for a read, until the store is back. */
  async #takeAway(request: RateRequest): Promise<RateSlot> {
    const { health, local, clock } = this.#deps;
    const { away } = health;
    if (away === undefined) return this.take(request);
    if (request.access === "write") throw new GatewayError("STORE_UNAVAILABLE", { cause: away.cause });
    const signal = request.signal === undefined ? away.back : AbortSignal.any([request.signal, away.back]);
    let slot: RateSlot;
    try {
      slot = await local.take({ ...request, signal });
    } catch (error) {
      if (away.back.aborted && !request.signal?.aborted) return this.take(request);
      throw error;
    }
    const noteCall = (): void => {
      this.#localUntilMs = clock.monotonic() + 1_000 + GUARD_MS;
    };
    noteCall();
    return {
      waitedMs: slot.waitedMs,
      sent: () => {
        // What goes out now would be in a window that is shared again and does not know of it.
        if (away.back.aborted) return false;
        noteCall();
        return slot.sent();
      },
      settle: (outcome) => slot.settle(outcome),
    };
  }
}

function isOver({ latestMs }: Held, nowMs: number): boolean {
  return nowMs - latestMs > LATEST_WRITING_MS;
}
