import type { Slot, SlotOutcome } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GUARD_MS, type SlotAdjustment } from "./slot-store.ts";

/** A slot of this replica in the shared window. */
export interface TakenSlot {
  /** The time of the slot by the database's clock. */
  readonly slotMs: number;
  /**
   * The same time by this process's clock, which knows it only within bounds: not before `earliestMs`, not after
   * `latestMs`.
   */
  readonly latestMs: number;
  readonly earliestMs: number;
}

/**
 * A call that is written at most this late is in time: the rest of the guard is for the network. If it is written
 * later, its slot moves.
 */
const WRITE_GUARD_MS = GUARD_MS / 2;

/**
 * A call that would be written later than this after its slot gives the slot back and takes another. Otherwise the
 * database could give the place to another call before it learns that this one moved.
 */
const MAX_WRITE_DELAY_MS = 100;

interface SlotDeliveriesDeps {
  readonly clock: Clock;
  readonly ratePerSecond: number;
  readonly onMissed: (lateMs: number) => void;
  readonly onThrottled: (slot: TakenSlot) => void;
  /** Called when there may be an adjustment to report. */
  readonly onSettled: () => void;
}

/**
 * Follows the calls of the slots that this replica took. CAM counts a call when it arrives. A slot whose call arrived
 * later than the guard allows moves to the latest time at which the call can have arrived. The replica gives up a slot
 * without a call. The next statement reports both to the database.
 */
export class SlotDeliveries {
  readonly #deps: SlotDeliveriesDeps;
  readonly #delay: RoundTripEstimate;
  /** The times that the database has for the slots that moved. */
  readonly #storedMs = new WeakMap<TakenSlot, number>();
  /** The adjustments that the database does not have yet. */
  readonly #adjustments = new Map<TakenSlot, SlotAdjustment["toMs"]>();

  constructor(deps: SlotDeliveriesDeps) {
    this.#deps = deps;
    this.#delay = new RoundTripEstimate(deps.ratePerSecond);
  }

  /** True while the database does not know yet that a slot moved. Other replicas could take the place too early. */
  get hasMovedSlots(): boolean {
    return [...this.#adjustments.values()].some((toMs) => toMs !== undefined);
  }

  hasExpired({ latestMs }: TakenSlot): boolean {
    return this.#deps.clock.monotonic() - latestMs > MAX_WRITE_DELAY_MS;
  }

  release(slot: TakenSlot): void {
    this.#adjustments.set(slot, undefined);
  }

  /** Returns the adjustments to report, and removes them. */
  takeAdjustments(): SlotAdjustment[] {
    const adjustments = [...this.#adjustments].map(([slot, toMs]) => {
      const slotMs = this.#storedMs.get(slot) ?? slot.slotMs;
      if (toMs !== undefined) this.#storedMs.set(slot, toMs);
      return { slotMs, toMs };
    });
    this.#adjustments.clear();
    return adjustments;
  }

  /** Returns the slot as the CAM client uses it. */
  open(slot: TakenSlot, waitedMs: number): Slot {
    const { clock, onMissed } = this.#deps;
    let sentMs: number | undefined;
    let isSettled = false;
    return {
      waitedMs,
      tryBegin: () => {
        if (sentMs !== undefined) return true;
        const nowMs = clock.monotonic();
        if (this.hasExpired(slot)) {
          onMissed(nowMs - slot.latestMs);
          return false;
        }
        sentMs = nowMs;
        this.#move(slot, nowMs - slot.earliestMs - WRITE_GUARD_MS);
        return true;
      },
      settle: (outcome) => {
        if (isSettled) return;
        isSettled = true;
        this.#settle(slot, sentMs, outcome);
      },
    };
  }

  #settle(slot: TakenSlot, sentMs: number | undefined, outcome: SlotOutcome): void {
    const { clock, onThrottled, onSettled } = this.#deps;
    const nowMs = clock.monotonic();
    if (sentMs !== undefined) {
      if (outcome === "ANSWERED") this.#delay.record(nowMs - sentMs, nowMs);
      const wayBackMs = outcome === "ANSWERED" || outcome === "THROTTLED" ? this.#delay.shortestMs : 0;
      const arrivedByMs = Math.min(Math.max(sentMs, nowMs - wayBackMs), sentMs + MAX_DELIVERY_MS);
      this.#move(slot, arrivedByMs - slot.earliestMs - GUARD_MS);
    } else if (outcome === "UNUSED") {
      this.release(slot);
    }
    if (outcome === "THROTTLED") onThrottled(slot);
    onSettled();
  }

  /** Moves a slot whose call arrived later than the guard allows. */
  #move(slot: TakenSlot, lateMs: number): void {
    const toMs = slot.slotMs + lateMs;
    const knownMs = this.#adjustments.get(slot) ?? this.#storedMs.get(slot) ?? slot.slotMs;
    if (toMs > knownMs) this.#adjustments.set(slot, toMs);
  }
}

/** The longest round trip that shows when the call arrived. Waiting for slower replies would cost throughput. */
const MAX_DELIVERY_MS = 1_000;

/** The period of a minimum. The estimate follows a slower network path after one to two periods. */
const PERIOD_MS = 30_000;

/** The longest delay that a busy event loop or a cold network path may add to every call. */
const MIN_SPAN_MS = 2_000;

/** The round trips of one period. */
interface RoundTrips {
  readonly sinceMs: number;
  readonly count: number;
  readonly sumMs: number;
  readonly shortestMs: number;
}

const NONE: RoundTrips = {
  sinceMs: Number.NEGATIVE_INFINITY,
  count: 0,
  sumMs: 0,
  shortestMs: Number.POSITIVE_INFINITY,
};

/**
 * Estimates the shortest possible round trip. A reply at time `t` shows that its call arrived before `t`. The gateway
 * counts the call as arrived by `t` minus the shortest round trip. That may be too early by the shortest way to CAM.
 * The next call takes at least that long too, so the time between their arrivals is not shorter than counted. An
 * estimate that is too long lets the next call follow too soon by the difference.
 */
export class RoundTripEstimate {
  readonly #minCount: number;
  #current = NONE;
  #previous = NONE;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param enough The number of round trips before there is an estimate. */
  constructor(enough: number) {
    this.#minCount = enough;
  }

  /** @param atMs The time of the reply. */
  record(roundTripMs: number, atMs: number): void {
    if (atMs - this.#current.sinceMs >= PERIOD_MS) {
      this.#previous = this.#current;
      this.#current = { ...NONE, sinceMs: atMs };
    }
    const { sinceMs, count, sumMs, shortestMs } = this.#current;
    this.#current = {
      sinceMs,
      count: count + 1,
      sumMs: sumMs + roundTripMs,
      shortestMs: Math.min(shortestMs, roundTripMs),
    };
    this.#firstMs = Math.min(this.#firstMs, atMs);
    this.#lastMs = atMs;
  }

  /** The estimate. It is 0 until there are enough round trips, from more than one moment. */
  get shortestMs(): number {
    const count = this.#current.count + this.#previous.count;
    if (count < this.#minCount || this.#lastMs - this.#firstMs <= MIN_SPAN_MS) return 0;
    const shortestMs = Math.min(this.#current.shortestMs, this.#previous.shortestMs);
    // The shortest of a few round trips is longer than the shortest possible one, by a part of their spread.
    const spreadMs = (this.#current.sumMs + this.#previous.sumMs) / count - shortestMs;
    return Math.max(0, shortestMs - spreadMs / Math.sqrt(count));
  }
}
