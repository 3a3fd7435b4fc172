/** The arguments of approveMfaChange, tryApproveMfaChange and rejectMfaChange. */
export interface DecisionInput {
  /** The change: `changeId` of APPROVAL_REQUIRED. */
  readonly id: string;
  /** Why, for the record: at most 500 characters. */
  readonly reason?: string | null | undefined;
}
