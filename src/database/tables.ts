import type { ColumnType, Generated, JSONColumnType } from "kysely";

/** Written by default or by the database's clock, read as a Date. */
type Timestamp = ColumnType<Date, never, never>;

/** PostgreSQL's driver reads a bigint as text, and PGlite as a number. */
type BigInteger = string | number | bigint;

/** See schema/migrations. */
export interface MfaChangeTable {
  id: string;
  begun: Generated<BigInteger>;
  account: Generated<string>;
  op_uin: string;
  caller_subject: string;
  caller_person: string | null;
  caller_client: string | null;
  caller_issuer: string | null;
  gateway_request_id: string;
  requested: JSONColumnType<object>;
  reason: string | null;
  request_hash: string;
  idempotency_key: string | null;
  before_image: JSONColumnType<object>;
  sent: JSONColumnType<object>;
  status: Generated<"awaiting_approval" | "pending" | "applied" | "refused" | "unknown">;
  resolved_by: "REPLY" | "READ_BACK" | null;
  code: string | null;
  cam_code: string | null;
  cam_action: string | null;
  cam_request_id: string | null;
  attempts: Generated<number>;
  quota_wait_ms: Generated<number>;
  replica: string;
  created_at: Timestamp;
  finished_at: Timestamp | null;
  lease_until: Timestamp | null;
  expires_at: Timestamp | null;
  decision: "approved" | "rejected" | "withdrawn" | null;
  decided_at: Timestamp | null;
  decided_by_subject: string | null;
  decided_by_person: string | null;
  decided_by_client: string | null;
  decided_by_issuer: string | null;
  decision_request_id: string | null;
  decision_reason: string | null;
  dispatch_order: BigInteger | null;
  settle_order: BigInteger | null;
  read_backs: number | null;
  read_back_at: Timestamp | null;
  request_mac: string | null;
  request_key: string | null;
  seq: BigInteger | null;
  sealed_content: string | null;
  previous_hash: string | null;
  hash: string | null;
}

/** One row: the end of the chain. */
export interface AuditChainTable {
  seq: BigInteger;
  hash: string;
}

export interface AuditCheckpointTable {
  seq: BigInteger;
  hash: string;
  signed_at: string;
  public_key: string;
  signature: string;
}

export interface CallerPauseTable {
  id: string;
  subject: string;
  issuer: string | null;
  paused_at: Timestamp;
  users: number;
  within_ms: number;
  resumed_at: Timestamp | null;
  resumed_by_subject: string | null;
  resumed_by_client: string | null;
  resumed_by_issuer: string | null;
}

export interface Tables {
  mfa_change: MfaChangeTable;
  audit_chain: AuditChainTable;
  audit_checkpoint: AuditCheckpointTable;
  caller_pause: CallerPauseTable;
}
