import type { Slot, SlotOutcome } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { MAX_DELIVERY_MS, RoundTripEstimate } from "./round-trip-estimate.ts";
import { GUARD_MS, type SlotAdjustment } from "./slot-store.ts";

/** A slot of this replica in the shared window. */
export interface TakenSlot {
  /** The time of the slot by the database's clock. */
  readonly slotMs: number;
  /** The same time by this process's clock: certainly reached at `latest`, not reached before `earliest`. */
  readonly latestMs: number;
  readonly earliestMs: number;
}

/**
 * A call that is written at most this late is in time: the rest of the guard is for the network. If it is written
 * later, its slot moves.
 */
const WRITE_GUARD_MS = GUARD_MS / 2;

/**
 * A call that would be written later returns its slot, because the database could give the slot away before it gets the
 * adjustment.
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
 * later than the guard allows moves to the latest time at which the call can have arrived. A slot without a call is
 * given up. The next statement reports both to the database.
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

  /**
   * True while the database does not know the move of a slot yet. Other replicas could take the place too early.
   */
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
      sent: () => {
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
