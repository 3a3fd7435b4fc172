import type { ChangeRecord } from "../../audit/change-record.ts";
import { isCamErrorCode } from "../../contract/index.ts";
import type { MfaBeforeImage, MfaChange, MfaMethodsOfBoth } from "./mfa-change.type.ts";

const STATUS = { pending: "PENDING", applied: "APPLIED", refused: "REFUSED", unknown: "UNKNOWN" } as const;

/** A record in the shape of the schema. */
export function toMfaChange(record: ChangeRecord): MfaChange {
  const { requested, before, sent, status, code, requestHash: _, seq: __, camAction: ___, ...same } = record;
  return {
    ...same,
    // The change service wrote these three; the store only keeps them.
    requested: requested as MfaMethodsOfBoth,
    before: before as MfaBeforeImage,
    sent: sent as MfaMethodsOfBoth,
    status: STATUS[status],
    code: isCamErrorCode(code) ? code : undefined,
  };
}
