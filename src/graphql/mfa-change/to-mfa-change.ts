import type { ChangeApproval, ChangeRecord } from "../../audit/change-record.ts";
import { isCamErrorCode } from "../../contract/index.ts";
import type { MfaBeforeImage, MfaChange, MfaMethodsOfBoth } from "./mfa-change.type.ts";
import type { MfaChangeApproval } from "./mfa-change-approval.type.ts";
import { fromRecordedStatus } from "./mfa-change-status.enum.ts";

const DECISION = { approved: "APPROVED", rejected: "REJECTED", withdrawn: "WITHDRAWN" } as const;

/** A record in the shape of the schema. */
export function toMfaChange(record: ChangeRecord): MfaChange {
  const { requestHash: _, seq: __, camAction: ___, ...shown } = record;
  const { requested, before, sent, status, approval, code, ...same } = shown;
  return {
    ...same,
    // The change service wrote these three; the store only keeps them.
    requested: requested as MfaMethodsOfBoth,
    before: before as MfaBeforeImage,
    sent: sent as MfaMethodsOfBoth,
    status: fromRecordedStatus(status),
    approval: approval && toApproval(approval),
    code: isCamErrorCode(code) ? code : undefined,
  };
}

function toApproval({ expiresAt, decision }: ChangeApproval): MfaChangeApproval {
  if (decision === undefined) return { expiresAt };
  const { kind, by, at, reason, gatewayRequestId } = decision;
  return { expiresAt, decision: DECISION[kind], decidedBy: by, decidedAt: at, reason, gatewayRequestId };
}
