import type { ChangeRecord, ChangeSettlement, RecordedCaller } from "../audit/change-record.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import { isCamErrorCode } from "../contract/index.ts";
import { failureFactsOf } from "./failure-facts.ts";
import type { WriteOutcome } from "./flag-writer.ts";
import type { MfaChangeOutcome, MfaChangeRequest } from "./mfa-change.ts";
import { RecordedFailure } from "./recorded-failure.ts";

/** What a write came to. */
export type Written = { readonly outcome: WriteOutcome } | { readonly error: unknown };

/** What goes on record of a write. */
export function settlementOf(written: Written): Omit<ChangeSettlement, "attempts" | "quotaWaitMs"> {
  if ("outcome" in written) {
    const { resolvedBy, camRequestId } = written.outcome;
    return { status: "applied", resolvedBy, camRequestId };
  }
  const facts = failureFactsOf(written.error);
  // What nobody raised deliberately says nothing of what CAM did.
  const unknown = facts === undefined || facts.code === "OUTCOME_UNKNOWN";
  return {
    status: unknown ? "unknown" : "refused",
    code: facts?.code ?? "INTERNAL",
    camCode: facts?.cam?.code,
    camAction: facts?.cam?.action,
    camRequestId: facts?.cam?.requestId,
    ...(facts?.cam === undefined || unknown ? {} : { resolvedBy: "REPLY" }),
  };
}

/**
 * What the record of an earlier or foreign change says, as if it had been made here.
 * @throws RecordedFailure
 */
export function outcomeOf(record: ChangeRecord): MfaChangeOutcome {
  const { id: changeId, status, resolvedBy, code, camCode, camAction, camRequestId } = record;
  if (status === "awaiting_approval") {
    const expiresAt = record.approval?.expiresAt.toISOString();
    throw new RecordedFailure(record, { facts: { code: "APPROVAL_REQUIRED", expiresAt } });
  }
  if (status === "applied" && resolvedBy !== undefined) {
    return { changeId, resolvedBy, camRequestId: camRequestId ?? "" };
  }
  const cam =
    camCode === undefined
      ? undefined
      : { code: camCode, action: camAction ?? "", requestId: camRequestId ?? "" };
  throw new RecordedFailure(record, {
    facts: { code: isCamErrorCode(code) ? code : "OUTCOME_UNKNOWN", cam },
  });
}

/** What a change on record asks for. The change service wrote it there. */
export function requestOf({ account, opUin, requested, reason }: ChangeRecord): MfaChangeRequest {
  return {
    ...(requested as Pick<MfaChangeRequest, "login" | "action" | "overwriteOtherMethods">),
    account,
    opUin,
    reason,
  };
}

/** Without what else is known of a caller, such as what they may do. */
export function recordedCaller({ subject, client, issuer }: CallerIdentity): RecordedCaller {
  return { subject, client, issuer };
}
