import type { WindowOutlook } from "./slot-store.ts";

/** Parts of an even pace that lie between two slots at least; take_slot has the same. */
const PEOPLE_SPACING = 0.1;
const BULK_SPACING = 0.9;

/** What shows how much each replica takes is so long ago at most. */
const LOOKED_BACK_MS = 2_500;

/**
 * What one look at the shared window tells about the slots to come. Pure. Times are the database's.
 * It foresees nobody who is not using the quota yet.
 */
export class Schedule {
  readonly #outlook: WindowOutlook;
  readonly #ratePerSecond: number;
  #free: readonly number[] | undefined;

  constructor(outlook: WindowOutlook, ratePerSecond: number) {
    this.#outlook = outlook;
    this.#ratePerSecond = ratePerSecond;
  }

  /** The free slots in order; 0 is the next. */
  freeMs(index: number): number {
    this.#free ??= this.#simulate(PEOPLE_SPACING, this.#ratePerSecond);
    const inWindow = this.#free[index % this.#ratePerSecond] ?? this.#outlook.nowMs;
    return inWindow + Math.floor(index / this.#ratePerSecond) * this.#outlook.windowMs;
  }

  /** How many slots a millisecond all replicas have together. */
  get slotsPerMs(): number {
    return this.#ratePerSecond / this.#outlook.windowMs;
  }

  /** How many slots all replicas together take for one of ours, while we ask for as many as we can get. */
  get slotsForOneOfOurs(): number {
    const { latest, owners, owner, windowMs, nowMs } = this.#outlook;
    // Whole windows where the latest slots reach so far, because within one they may lie close together.
    const seen = latest.length / this.#ratePerSecond;
    const windows = Math.min(
      Math.max(1, Math.floor(seen)),
      Math.max(1, Math.floor(LOOKED_BACK_MS / windowMs)),
    );
    const sinceMs = Math.max(nowMs, latest.at(-1) ?? 0) - windows * windowMs;
    const counts = new Map<number, number>();
    owners.forEach((other, index) => {
      if (other === owner || (latest[index] ?? 0) <= sinceMs) return;
      counts.set(other, (counts.get(other) ?? 0) + 1);
    });
    // Of a high limit the latest slots show a part of a window.
    const possible = Math.min(this.#ratePerSecond * windows, Math.max(this.#ratePerSecond, latest.length));
    return possible / fairShare(possible, counts.values());
  }

  /**
   * When we should next ask for a slot for bulk work. Replicas with bulk work take turns, the one that has waited
   * longest first, so that they need not all ask for each slot that comes free.
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
      // Behind those that the row shows, they are taken to leave at an even pace.
      const left = index < unused ? Number.NEGATIVE_INFINITY : leaving[index - unused];
      const freeMs = left === undefined ? newest + paceMs : left + windowMs;
      newest = Math.max(nowMs, pausedUntil, newest + paceMs * spacing, freeMs);
      slots.push(newest);
    }
    return slots;
  }
}

/** One part of a whole beside others who want so much: what they leave, and no less than an equal part. */
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
