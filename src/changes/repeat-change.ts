import type { ChangeRecord } from "../audit/change-record.ts";
import type { SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { ChangeAccount } from "./change-access.ts";
import { mayBeEqual } from "./compose-flag-sets.ts";
import type { MfaChangeContext } from "./mfa-change.ts";
import { leaseMsOf } from "./prepare-change.ts";
import type { ChangeRecorderDeps } from "./record-change.ts";

/**
 * Sends the flag sets of a change again whose outcome is not known, while CAM still shows the user as before. They are
 * absolute, so an earlier request that CAM applies late changes nothing. A refusal of the repetition proves nothing about
 * the earlier request, so the outcome then stays unknown.
 */
export async function repeatChange(
  { log, rolloutLog, clock }: Pick<ChangeRecorderDeps, "log" | "rolloutLog" | "clock">,
  { writer }: Pick<ChangeAccount, "writer">,
  record: ChangeRecord,
  context: MfaChangeContext,
): Promise<void> {
  const { output } = await writer.read(record.opUin, context, { forWrite: true });
  // ChangeRecorder wrote both.
  const [before, sent] = [record.before as SafeAuthFlags, record.sent as SetMfaFlagInput];
  if (!mayBeEqual(before, output)) return;
  if (!(await rolloutLog.reopen(record.id, leaseMsOf(context, clock.monotonic())))) return;
  const written = await writer.write(sent, context, false);
  const { attempts, quotaWaitMs } = written;
  await log.settle(record.id, {
    ...("outcome" in written
      ? { status: "applied", ...written.outcome }
      : { status: "unknown", code: "OUTCOME_UNKNOWN" }),
    ...{ attempts, quotaWaitMs },
  });
}
