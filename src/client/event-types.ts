import type { MfaChangeCaller, MfaChangesFilter, PageInfo } from "./schema-types.ts";

/** The kind of an event in the record. */
export type AuditEventKind =
  | "REFUSAL"
  | "REFUSALS"
  | "CALLER_PAUSED"
  | "CALLER_RESUMED"
  | "EXPORT"
  | "ACCOUNT_ADDED"
  | "ACCOUNT_REMOVED"
  | "PRUNED"
  | "RESTORE_ACCEPTED"
  | "ACCOUNT_CHANGED"
  | "ACCOUNT_BOUND"
  | "ROLLOUT_STARTED"
  | "ROLLOUT_SEALED";

/** The arguments of auditEvents. Each filters, and all have to match. */
export interface AuditEventsFilter
  extends Pick<MfaChangesFilter, "account" | "from" | "until" | "first" | "after"> {
  readonly kind?: AuditEventKind | null | undefined;
  /** The subject of the caller or operator. */
  readonly caller?: string | null | undefined;
}

/** A sealed event of the record, other than a change. */
export interface AuditEvent {
  readonly id: string;
  readonly kind: AuditEventKind;
  /** ISO 8601 in UTC, by the database's clock. */
  readonly at: string;
  /** Null for events that belong to no account. */
  readonly account: string | null;
  readonly by: MfaChangeCaller | null;
  /** The rule that refused, by its kind and name. */
  readonly rule: string | null;
  readonly code: string | null;
  readonly opUin: string | null;
  readonly gatewayRequestId: string | null;
  /** The number of refusals in a summary. */
  readonly count: number | null;
  /** All details of the event, as JSON. */
  readonly details: string;
}

export interface AuditEventConnection {
  readonly nodes: readonly AuditEvent[];
  readonly pageInfo: PageInfo;
}
