import type { RateSlot, SlotOutcome } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { DeliveryDelay } from "./delivery-delay.ts";
import { GUARD_MS, type SlotAdjustment } from "./slot-store.ts";

/** A slot that is ours in the shared window. */
export interface TakenSlot {
  /** When it is, by the database's clock. */
  readonly slotMs: number;
  /** By our clock, its time has certainly come then, and cannot have come before the other. */
  readonly latestMs: number;
  readonly earliestMs: number;
}

/** Who comes to writing so late is in time: the rest of the guard is for the way. Later, the slot moves with its call. */
const PROMPT_MS = GUARD_MS / 2;

/** Later still, the database might learn of it when the place is given to the next already; the slot is given up. */
const LATEST_WRITING_MS = 100;

/** A reply that takes longer says nothing about when the call arrived. */
const LONGEST_DELIVERY_MS = 1_000;

/** In windows' worth of calls; see DeliveryDelay. */
const WINDOWS_REMEMBERED = 3;

interface SlotDeliveriesDeps {
  readonly clock: Clock;
  readonly ratePerSecond: number;
  readonly onMissed: (lateMs: number) => void;
  readonly onThrottled: (slot: TakenSlot) => void;
  /** There may be something new to tell the database. */
  readonly onSettled: () => void;
}

/**
 * What becomes of the slots that we took. What counts is when calls arrive. So a slot whose call came later than the
 * guard allows for moves to when it can have arrived, and one without a call is given up, before the database gives
 * its place to another.
 */
export class SlotDeliveries {
  readonly #deps: SlotDeliveriesDeps;
  readonly #delay: DeliveryDelay;
  /** Where the database has our slots that moved. */
  readonly #placesMs = new WeakMap<TakenSlot, number>();
  /** What it has not been told yet. */
  readonly #adjustments = new Map<TakenSlot, SlotAdjustment["toMs"]>();

  constructor(deps: SlotDeliveriesDeps) {
    this.#deps = deps;
    this.#delay = new DeliveryDelay(WINDOWS_REMEMBERED * deps.ratePerSecond);
  }

  /** Whether others may take a place too early for what they have not been told. */
  get hasMoves(): boolean {
    return [...this.#adjustments.values()].some((toMs) => toMs !== undefined);
  }

  isOver({ latestMs }: TakenSlot): boolean {
    return this.#deps.clock.monotonic() - latestMs > LATEST_WRITING_MS;
  }

  giveUp(slot: TakenSlot): void {
    this.#adjustments.set(slot, undefined);
  }

  /** Everything that the database has not been told yet. It counts as told from now on. */
  takeAdjustments(): SlotAdjustment[] {
    const adjustments = [...this.#adjustments].map(([slot, toMs]) => {
      const slotMs = this.#placesMs.get(slot) ?? slot.slotMs;
      if (toMs !== undefined) this.#placesMs.set(slot, toMs);
      return { slotMs, toMs };
    });
    this.#adjustments.clear();
    return adjustments;
  }

  /** The slot as its caller sees it. */
  open(slot: TakenSlot, waitedMs: number): RateSlot {
    const { clock, onMissed } = this.#deps;
    let sentMs: number | undefined;
    let isSettled = false;
    return {
      waitedMs,
      sent: () => {
        if (sentMs !== undefined) return true;
        const nowMs = clock.monotonic();
        if (this.isOver(slot)) {
          onMissed(nowMs - slot.latestMs);
          return false;
        }
        sentMs = nowMs;
        this.#move(slot, nowMs - slot.earliestMs - PROMPT_MS);
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
      if (outcome === "ANSWERED") this.#delay.record(nowMs - sentMs);
      const wayBackMs = outcome === "ANSWERED" || outcome === "THROTTLED" ? this.#delay.shortestMs : 0;
      const arrivedByMs = Math.min(Math.max(sentMs, nowMs - wayBackMs), sentMs + LONGEST_DELIVERY_MS);
      this.#move(slot, arrivedByMs - slot.earliestMs - GUARD_MS);
    } else if (outcome === "UNUSED") {
      this.giveUp(slot);
    }
    if (outcome === "THROTTLED") onThrottled(slot);
    onSettled();
  }

  /** Its call counted so much later than the guard allows for. */
  #move(slot: TakenSlot, lateMs: number): void {
    const toMs = slot.slotMs + lateMs;
    const knownMs = this.#adjustments.get(slot) ?? this.#placesMs.get(slot) ?? slot.slotMs;
    if (toMs > knownMs) this.#adjustments.set(slot, toMs);
  }
}
