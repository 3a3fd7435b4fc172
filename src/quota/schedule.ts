import { fairShare } from "./fair-share.ts";
import type { WindowState } from "./slot-store.ts";

/** Parts of an even pace that lie between two slots at least; take_slot has the same. */
const PEOPLE_SPACING = 0.1;
const BULK_SPACING = 0.9;

/** To see how much each replica takes; the row has three seconds. */
const LOOKED_BACK_MS = 2_500;

/**
 * What one look at the shared window tells about the slots to come. Pure. Times are the database's.
 * It foresees nobody who is not using the quota yet.
 */
export class Schedule {
  readonly state: WindowState;
  readonly #limit: number;
  readonly #replica: string;
  #free: readonly number[] | undefined;

  constructor(state: WindowState, limit: number, replica: string) {
    this.state = state;
    this.#limit = limit;
    this.#replica = replica;
  }

  /** The free slots in order; 0 is the next. */
  freeMs(index: number): number {
    this.#free ??= this.#simulate(PEOPLE_SPACING, this.#limit);
    const inWindow = this.#free[index % this.#limit] ?? this.state.nowMs;
    return inWindow + Math.floor(index / this.#limit) * this.state.windowMs;
  }

  /** How many slots all replicas together take for one of ours, while we ask for as many as we can get. */
  get slotsForOneOfOurs(): number {
    const { slots, owners, windowMs, nowMs } = this.state;
    // Whole windows, because within one the slots may lie close together.
    const windows = Math.max(1, Math.floor(LOOKED_BACK_MS / windowMs));
    const sinceMs = Math.max(nowMs, slots.at(-1) ?? 0) - windows * windowMs;
    const counts = new Map<string, number>();
    owners.forEach((owner, index) => {
      if (owner === this.#replica || (slots[index] ?? 0) <= sinceMs) return;
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    });
    const possible = this.#limit * windows;
    return possible / fairShare(possible, counts.values());
  }

  /**
   * When we should next ask for a slot for bulk work. Replicas with bulk work take turns, the one that has waited
   * longest first, so that they need not all ask for each slot that comes free.
   */
  get bulkTurnMs(): number {
    const latest = new Map<string, number>();
    this.state.slots.forEach((slotMs, index) => {
      if (this.state.bulk[index] && this.#isCurrent(index))
        latest.set(this.state.owners[index] ?? "", slotMs);
    });
    const ours = latest.get(this.#replica) ?? Number.NEGATIVE_INFINITY;
    const before = [...latest.values()].filter((slotMs) => slotMs < ours).length;
    return this.#simulate(BULK_SPACING, before + 1).at(-1) ?? this.state.nowMs;
  }

  /** Slots within the window that ends now. */
  get used(): number {
    const { slots, nowMs } = this.state;
    return slots.filter((slotMs, index) => slotMs <= nowMs && this.#isCurrent(index)).length;
  }

  #isCurrent(index: number): boolean {
    const { slots, nowMs, windowMs } = this.state;
    return (slots[index] ?? 0) > nowMs - windowMs;
  }

  #simulate(spacing: number, count: number): number[] {
    const { nowMs, windowMs, pausedUntilMs } = this.state;
    const slots = [...this.state.slots];
    const known = slots.length;
    const betweenMs = (windowMs / this.#limit) * spacing;
    for (let taken = 0; taken < count; taken++) {
      const newest = slots.at(-1) ?? Number.NEGATIVE_INFINITY;
      const leaving = slots[slots.length - this.#limit] ?? Number.NEGATIVE_INFINITY;
      slots.push(Math.max(nowMs, pausedUntilMs, newest + betweenMs, leaving + windowMs));
    }
    return slots.slice(known);
  }
}
