import type { WindowOutlook } from "./slot-store.ts";

/**
 * The smallest interval between two slots, as a fraction of even spacing. The SQL function next_slot has the same
 * values.
 */
const INTERACTIVE_SPACING = 0.1;
const BULK_SPACING = 0.9;

/** The age of the oldest slots from which a replica's share is computed. */
const SHARE_PERIOD_MS = 2_500;

/**
 * Computes the next slots from one state of the shared window. Pure. Times are those of the database. It assumes that
 * no further replica begins to use the quota.
 */
export class Schedule {
  readonly #outlook: WindowOutlook;
  readonly #ratePerSecond: number;
  #free: readonly number[] | undefined;

  constructor(outlook: WindowOutlook, ratePerSecond: number) {
    this.#outlook = outlook;
    this.#ratePerSecond = ratePerSecond;
  }

  /** Returns the time of a free slot of the window, whichever replica takes it; 0 is the next one. */
  freeMs(index: number): number {
    this.#free ??= this.#simulate(INTERACTIVE_SPACING, this.#ratePerSecond);
    const inWindow = this.#free[index % this.#ratePerSecond] ?? this.#outlook.nowMs;
    return inWindow + Math.floor(index / this.#ratePerSecond) * this.#outlook.windowMs;
  }

  /** The slots per millisecond of all replicas together. */
  get slotsPerMs(): number {
    return this.#ratePerSecond / this.#outlook.windowMs;
  }

  /** The slots that all replicas together take for each slot of this one, while it takes as many as possible. */
  get slotsPerOwnSlot(): number {
    const { latest, owners, owner, windowMs, nowMs } = this.#outlook;
    // Counts whole windows if there are enough slots, because the slots of a part of a window may be bunched.
    const seen = latest.length / this.#ratePerSecond;
    const windows = Math.min(
      Math.max(1, Math.floor(seen)),
      Math.max(1, Math.floor(SHARE_PERIOD_MS / windowMs)),
    );
    const sinceMs = Math.max(nowMs, latest.at(-1) ?? 0) - windows * windowMs;
    const counts = new Map<number, number>();
    owners.forEach((other, index) => {
      if (other === owner || (latest[index] ?? 0) <= sinceMs) return;
      counts.set(other, (counts.get(other) ?? 0) + 1);
    });
    // With a high rate the latest slots cover only a part of a window.
    const possible = Math.min(this.#ratePerSecond * windows, Math.max(this.#ratePerSecond, latest.length));
    return possible / fairShare(possible, counts.values());
  }

  /**
   * The time at which this replica should ask for its next slot for bulk work. Replicas with bulk work take turns, the
   * one that has waited longest first. Otherwise all of them would ask for each slot that comes free.
   */
  get bulkTurnMs(): number {
    const { latest, owners, owner, bulk, nowMs, windowMs } = this.#outlook;
    const lastBulkMs = new Map<number, number>();
    latest.forEach((slotMs, index) => {
      const other = owners[index];
      if (other !== undefined && bulk[index] && slotMs > nowMs - windowMs) lastBulkMs.set(other, slotMs);
    });
    const ours = lastBulkMs.get(owner) ?? Number.NEGATIVE_INFINITY;
    const before = [...lastBulkMs.values()].filter((slotMs) => slotMs < ours).length;
    return this.#simulate(BULK_SPACING, before + 1).at(-1) ?? nowMs;
  }

  #simulate(spacing: number, count: number): number[] {
    const { nowMs, windowMs, pausedUntil, taken, leaving, latest } = this.#outlook;
    const paceMs = windowMs / this.#ratePerSecond;
    const unused = Math.max(0, this.#ratePerSecond - taken);
    const slots: number[] = [];
    let newest = latest.at(-1) ?? Number.NEGATIVE_INFINITY;
    for (let index = 0; index < count; index++) {
      // Beyond the slots of the outlook, it assumes that slots end at an even pace.
      const left = index < unused ? Number.NEGATIVE_INFINITY : leaving[index - unused];
      const freeMs = left === undefined ? newest + paceMs : left + windowMs;
      newest = Math.max(nowMs, pausedUntil, newest + paceMs * spacing, freeMs);
      slots.push(newest);
    }
    return slots;
  }
}

/** Returns the fair share of a whole: what the others leave of it, and at least an equal part. */
export function fairShare(whole: number, others: Iterable<number>): number {
  const wanted = [...others].sort((a, b) => a - b);
  let left = whole;
  let sharers = wanted.length + 1;
  for (const want of wanted) {
    if (want > left / sharers) break;
    left -= want;
    sharers -= 1;
  }
  return left / sharers;
}
