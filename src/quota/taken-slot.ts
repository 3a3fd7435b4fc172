/** A slot that is ours in the shared window. */
export interface TakenSlot {
  /** When it is, by the database's clock. */
  readonly slotMs: number;
  /** By our clock, its time has certainly come then, and cannot have come before the other. */
  readonly latestMs: number;
  readonly earliestMs: number;
}
