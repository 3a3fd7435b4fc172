import type { Selectable } from "kysely";
import type { Uin } from "../contract/index.ts";
import type { MfaChangeTable } from "../database/tables.ts";
import type { ApprovalDecision, ChangeApproval, ChangeRecord } from "./change-record.ts";

export type ChangeRow = Selectable<MfaChangeTable>;

export function toChangeRecord(row: ChangeRow): ChangeRecord {
  return {
    id: row.id,
    account: row.account,
    opUin: row.op_uin as Uin,
    caller: {
      subject: row.caller_subject,
      client: row.caller_client ?? undefined,
      issuer: row.caller_issuer ?? undefined,
    },
    gatewayRequestId: row.gateway_request_id,
    requested: row.requested,
    reason: row.reason ?? undefined,
    requestHash: row.request_hash,
    before: row.before_image,
    sent: row.sent,
    status: row.status,
    approval: toApproval(row),
    requestMac:
      row.request_mac === null || row.request_key === null
        ? undefined
        : { mac: row.request_mac, key: row.request_key },
    resolvedBy: row.resolved_by ?? undefined,
    code: row.code ?? undefined,
    camCode: row.cam_code ?? undefined,
    camAction: row.cam_action ?? undefined,
    camRequestId: row.cam_request_id ?? undefined,
    attempts: row.attempts,
    quotaWaitMs: row.quota_wait_ms,
    replica: row.replica,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
    seq: row.seq === null ? undefined : String(row.seq),
  };
}

function toApproval(row: ChangeRow): ChangeApproval | undefined {
  return row.expires_at === null ? undefined : { expiresAt: row.expires_at, decision: toDecision(row) };
}

function toDecision(row: ChangeRow): ApprovalDecision | undefined {
  if (row.decision === null || row.decided_at === null) return undefined;
  return {
    kind: row.decision,
    by: {
      subject: row.decided_by_subject ?? "",
      client: row.decided_by_client ?? undefined,
      issuer: row.decided_by_issuer ?? undefined,
    },
    at: row.decided_at,
    reason: row.decision_reason ?? undefined,
    gatewayRequestId: row.decision_request_id ?? "",
  };
}
