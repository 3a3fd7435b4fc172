/** How many users one caller may change before an operator has to look at it. */
export interface BulkGuard {
  /** Different users whose changes a caller asks for or approves; 0 for any number. */
  readonly users: number;
  readonly withinMs: number;
}

export const NO_BULK_GUARD: BulkGuard = { users: 0, withinMs: 0 };
