import type { ChangeSettlement } from "../audit/change-record.ts";
import type { OpenItem } from "../audit/rollout-log.ts";
import type { SetMfaFlagInput } from "../cam/index.ts";
import type { ChangeAccount } from "./change-access.ts";
import type { MfaChangeContext } from "./mfa-change.ts";
import { leaseMsOf } from "./prepare-change.ts";
import type { ChangeRecorderDeps } from "./record-change.ts";

/**
 * Sends the flag sets of an open change again. They are absolute, so an earlier request that CAM applies late changes
 * nothing. A refusal of the repetition proves nothing about the earlier request, so the outcome then stays unknown.
 * Returns undefined if the record does not let it.
 */
export async function repeatChange(
  { rolloutLog, clock }: Pick<ChangeRecorderDeps, "rolloutLog" | "clock">,
  { writer }: Pick<ChangeAccount, "writer">,
  open: OpenItem,
  context: MfaChangeContext,
): Promise<ChangeSettlement | undefined> {
  if (!(await rolloutLog.reopen(open, leaseMsOf(context, clock.monotonic())))) return undefined;
  // ChangeRecorder wrote them.
  const written = await writer.write(open.record.sent as SetMfaFlagInput, context, false);
  const { attempts, quotaWaitMs } = written;
  return {
    ...("outcome" in written
      ? { status: "applied", ...written.outcome }
      : { status: "unknown", code: "OUTCOME_UNKNOWN", readBack: true }),
    ...{ attempts, quotaWaitMs },
  };
}
