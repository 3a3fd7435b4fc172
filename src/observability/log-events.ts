import type { Logger } from "./logger.ts";

/** As much of an attempt at CAM as a log line has. */
interface AttemptEvent {
  readonly action: string;
  readonly traceId: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly quotaWaitMs: number;
  readonly requestId: string | undefined;
  readonly error:
    | { readonly kind: string; readonly camCode: string | undefined; readonly camMessage: string | undefined }
    | undefined;
  readonly next: { readonly retryInMs: number } | { readonly gaveUp: string } | undefined;
}

/** One line for each call to CAM: debug when it went well, warn when not. CAM's own message stands only here. */
export function logCamAttempt(logger: Logger, event: AttemptEvent): void {
  const { traceId, requestId, error, next, durationMs, quotaWaitMs, ...rest } = event;
  const fields = {
    ...rest,
    requestId: traceId,
    camRequestId: requestId,
    durationMs: Math.round(durationMs),
    quotaWaitMs: Math.round(quotaWaitMs),
  };
  if (error === undefined) logger.debug(fields, "CAM call");
  else
    logger.warn(
      { ...fields, kind: error.kind, camCode: error.camCode, camMessage: error.camMessage, ...next },
      "CAM call failed",
    );
}

/** As much of a change as a log line has. */
interface ChangeEvent {
  readonly request: { readonly opUin: string };
  readonly context: { readonly requestId: string; readonly caller: { readonly subject: string } };
  readonly blocks: object | undefined;
  readonly result: { readonly outcome: object } | { readonly error: unknown };
  readonly durationMs: number;
}

/** One line for each change: who switched what for whom, and what became of it. */
export function logMfaChange(logger: Logger, event: ChangeEvent): void {
  const { request, context, blocks, result, durationMs } = event;
  const fields = {
    requestId: context.requestId,
    caller: context.caller.subject,
    opUin: request.opUin,
    sent: blocks,
    durationMs: Math.round(durationMs),
  };
  if ("outcome" in result) logger.info({ ...fields, ...result.outcome }, "MFA change applied");
  else logger.warn({ ...fields, error: String(result.error) }, "MFA change not applied");
}
