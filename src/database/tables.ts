import type { ColumnType, Generated, JSONColumnType } from "kysely";

/** Written by default or by the database's clock, read as a Date. */
type Timestamp = ColumnType<Date, never, never>;

/** PostgreSQL's driver reads a bigint as text, and PGlite as a number. */
type BigInteger = string | number | bigint;

/** See schema/migrations/0001_change_log.sql. */
export interface MfaChangeTable {
  id: string;
  begun: Generated<BigInteger>;
  op_uin: string;
  caller_subject: string;
  caller_client: string | null;
  caller_issuer: string | null;
  gateway_request_id: string;
  requested: JSONColumnType<object>;
  reason: string | null;
  request_hash: string;
  idempotency_key: string | null;
  before_image: JSONColumnType<object>;
  sent: JSONColumnType<object>;
  status: Generated<"pending" | "applied" | "refused" | "unknown">;
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

export interface Tables {
  mfa_change: MfaChangeTable;
  audit_chain: AuditChainTable;
  audit_checkpoint: AuditCheckpointTable;
}
