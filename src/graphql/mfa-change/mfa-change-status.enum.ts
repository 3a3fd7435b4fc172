import { registerEnumType } from "type-graphql";
import type { ChangeStatus } from "../../audit/change-record.ts";

export const MfaChangeStatus = {
  AWAITING_APPROVAL: "AWAITING_APPROVAL",
  PENDING: "PENDING",
  APPLIED: "APPLIED",
  REFUSED: "REFUSED",
  UNKNOWN: "UNKNOWN",
} as const;

registerEnumType(MfaChangeStatus, {
  name: "MfaChangeStatus",
  description: "What is known of a change.",
  valuesConfig: {
    AWAITING_APPROVAL: {
      description: "On record; nothing happens before another caller approves it by `approveMfaChange`.",
    },
    PENDING: { description: "On record; its outcome is to come." },
    APPLIED: { description: "In force." },
    REFUSED: { description: "Proven not to have been applied." },
    UNKNOWN: {
      description: "Nothing proves whether it was applied. The gateway reads the user again for a day.",
    },
  },
});

/** The record writes the same words in small letters. */
export function toRecordedStatus(status: keyof typeof MfaChangeStatus): ChangeStatus {
  return status.toLowerCase() as Lowercase<typeof status>;
}

export function fromRecordedStatus(status: ChangeStatus): keyof typeof MfaChangeStatus {
  return status.toUpperCase() as Uppercase<typeof status>;
}
