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
    REFUSED: { description: "Not in force, and will not be." },
    UNKNOWN: {
      description: "CAM's reply was lost and the user could not be read. The gateway goes on trying.",
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
