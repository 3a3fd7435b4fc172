import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import {
  type ActionCircuits,
  type CamAttempt,
  type CamError,
  type ClockSkew,
  type Credential,
  isKeyRefused,
  isThrottle,
} from "../cam/index.ts";
import type { PausedCallersObserver } from "../changes/change-access.ts";
import type { ElsewhereError } from "../changes/gateway-identity.ts";
import type { ChangeObserver } from "../changes/mfa-change.ts";
import { type CamErrorCode, describeCamError } from "../contract/index.ts";
import { currentOperation } from "../telemetry/operation.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** Reports each request for a change: the caller, the user, the flag sets and the outcome. */
export function changeObserver({
  report,
  metrics,
  clock,
}: Telemetry): ChangeObserver & PausedCallersObserver {
  return {
    onChange({ request, context, approves, rollout, shared, changeId, flagSets, result, durationMs }) {
      const fields = {
        requestId: context.requestId,
        ...callerFields(context.caller),
        changeId,
        // The name from the request. An account of this name may not exist.
        account: request.account ?? DEFAULT_ACCOUNT,
        opUin: request.opUin,
        sent: flagSets,
        durationMs: Math.round(durationMs),
        ...(rollout === undefined ? {} : { rolloutId: rollout.rolloutId, item: rollout.item }),
        ...(approves === undefined ? {} : { approvedFor: approves.requester.subject }),
        // Only shared requests have this field. They are rare.
        ...(shared ? { shared } : {}),
      };
      // A shared request waits for a change that another request makes.
      const nowMs = clock.monotonic();
      if (shared) currentOperation.getStore()?.waited(nowMs - durationMs, nowMs);
      const count = (status: string, code: CamErrorCode | "OK"): void => {
        const category = code === "OK" ? code : describeCamError(code).category;
        metrics.record("mfa.changes", 1, { status, code, category });
        const rule = RULES[code];
        if (rule !== undefined) metrics.record("refusals", 1, { rule });
      };
      if ("outcome" in result) {
        count("applied", "OK");
        return report("change.applied", { ...fields, ...result.outcome });
      }
      const { error, failure } = result;
      // An error that the gateway did not raise deliberately has no failure.
      const code = failure?.code ?? "INTERNAL";
      if (code === "APPROVAL_REQUIRED") {
        count("awaiting_approval", code);
        return report("change.awaits_approval", { ...fields, expiresAt: failure?.expiresAt });
      }
      count(UNPROVEN.has(code) ? "unknown" : "refused", code);
      const { cam } = failure ?? {};
      const camFields = { camCode: cam?.code, camRequestId: cam?.requestId };
      const failed = { ...fields, code, why: failure?.message, ...camFields };
      // No other log line contains the reason for the store's failure.
      if (code === "STORE_UNAVAILABLE") return report("change.not_recorded", { ...failed, err: error });
      report(UNPROVEN.has(code) ? "change.outcome_unknown" : "change.not_applied", failed);
    },
    onRejected: ({ record, caller, requestId }) =>
      report("change.rejected", {
        ...{ requestId, ...callerFields(caller), ...recordFields(record) },
        requestedBy: record.caller.subject,
      }),
    onUnsettled: (changeId, err) => report("change.not_settled", { changeId, err }),
    onCallerPaused: (caller, opUin) => {
      metrics.record("caller.pauses", 1);
      report("caller.paused", { ...callerFields(caller), opUin });
    },
    onCallerResumed: (pause) =>
      report("caller.resumed", { ...callerFields(pause), resumedBy: pause.resumed?.by.subject }),
  };
}

/** Codes that leave the outcome open. An unexpected error also has a line `internal_error` with its stack. */
const UNPROVEN: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "INTERNAL"]);

/** The kinds of rules that refuse a change, by code. */
const RULES: Readonly<Partial<Record<string, string>>> = {
  FORBIDDEN: "policy",
  PROTECTED_USER: "protected_user",
  REASON_REQUIRED: "reason",
  APPROVAL_REQUIRED: "approval",
  CALLER_PAUSED: "bulk_guard",
};

function callerFields({ subject, client, issuer }: Partial<CallerIdentity>) {
  return { caller: subject, callerClient: client, callerIssuer: issuer };
}

function recordFields({ id: changeId, account, opUin }: ChangeRecord) {
  return { changeId, account, opUin };
}

/** Reports the outcome of a change that no request waits for any more. */
export function reconcilerObserver({ report, metrics }: Telemetry) {
  return {
    onSettled: (record: ChangeRecord, settlement: ChangeSettlement) => {
      const { status, code } = settlement;
      metrics.record("mfa.changes.reconciled", 1, { status });
      const open = status === "unknown" ? "change.still_unknown" : "change.settled";
      const event = code === "APPROVAL_EXPIRED" ? "change.approval_expired" : open;
      report(event, { ...recordFields(record), ...settlement });
    },
    onAppliedLate: (record: ChangeRecord) => report("change.applied_late", recordFields(record)),
    onError: (err: unknown) => report("change.reconciler_failed", { err }),
  };
}

/** The parts of an account whose state the observer reads. */
interface ObservedAccount {
  readonly name: string;
  readonly ratePerSecond: number;
  readonly skew: Pick<ClockSkew, "skewMs">;
  readonly circuits: Pick<ActionCircuits, "openActions">;
  readonly budget: { readonly queued: number };
}

/** The quota of an account counts as degraded for this time after a throttle or a refusal. */
const STRAINED_MS = 60_000;

/** Reports the calls of one account to CAM, its keys, and the state of the parts that they use. */
export function accountObserver(
  telemetry: Telemetry,
  { name: account, ratePerSecond, skew, circuits, budget }: ObservedAccount,
) {
  const { clock, report, health, metrics } = telemetry;
  let strained: { readonly atMs: number; readonly problem: string } | undefined;
  let key: { readonly loadedAtMs: number; readonly expiresAtMs: number | undefined } | undefined;
  const strain = (problem: string): void => {
    strained = { atMs: clock.monotonic(), problem };
  };
  /** The state of the key after the last call: `ok`, or the problem. */
  let credentials: string | undefined;
  let unwatch: (() => void) | undefined;
  const reportCredentials = (): void => {
    if (credentials === undefined || unwatch === undefined) return;
    health.report("credentials", account, credentials === "ok" ? undefined : credentials);
  };
  const noteCredentials = (problem: string | undefined): void => {
    credentials = problem ?? "ok";
    reportCredentials();
  };
  const noteError = ({ kind, camCode }: CamError): void => {
    if (isThrottle(camCode)) strain("CAM throttles calls. Another program may use the same key.");
    if (kind === "NO_CREDENTIAL") noteCredentials("No source has a key for CAM.");
    else if (isKeyRefused(camCode)) noteCredentials(`CAM refuses the key: ${camCode}.`);
    else if (kind === "REFUSED") noteCredentials(undefined);
  };
  const sample = (): void => {
    const seconds = Math.round(skew.skewMs / 1_000);
    const differs = `CAM's clock differs by ${seconds} s. The gateway signs with CAM's time.`;
    health.report("clock", account, seconds === 0 ? undefined : differs);
    const open = circuits.openActions;
    const fails = `CAM fails for most users: ${open.join(", ")}.`;
    health.report("circuit", account, open.length === 0 ? undefined : fails);
    const isStrained = strained !== undefined && clock.monotonic() - strained.atMs < STRAINED_MS;
    health.report("quota", account, isStrained ? strained?.problem : undefined);
    metrics.record("cam.clock.skew", skew.skewMs / 1_000, { account });
    metrics.record("cam.circuits.open", open.length, { account });
    metrics.record("cam.quota.limit", ratePerSecond, { account });
    metrics.record("cam.quota.queue", budget.queued, { account });
    if (key === undefined) return;
    metrics.record("cam.credential.age", (clock.monotonic() - key.loadedAtMs) / 1_000, { account });
    if (key.expiresAtMs === undefined) return;
    metrics.record("cam.credential.expiry", (key.expiresAtMs - clock.now()) / 1_000, { account });
  };
  return {
    onAttempt: (attempt: CamAttempt) => {
      if (attempt.error === undefined) noteCredentials(undefined);
      else noteError(attempt.error);
      metrics.record("cam.account.calls", 1, { account, outcome: outcomeOf(attempt.error) });
      if (wasSent(attempt)) metrics.record("cam.quota.slots", 1, { account, action: attempt.action });
      reportCamAttempt(telemetry, attempt);
    },
    /** @param fromMs The monotonic time from which the call waited. */
    onQuotaExhausted: (fromMs: number) => {
      strain("More calls wait than CAM's limit admits in time.");
      currentOperation.getStore()?.waited(fromMs, clock.monotonic());
    },
    /** Reports which key is in use, by its id, which is not secret. */
    onLoaded: ({ secretId, expiresAtMs }: Pick<Credential, "secretId" | "expiresAtMs">) => {
      key = { loadedAtMs: clock.monotonic(), expiresAtMs };
      report("cam.key_loaded", { secretId, expiresAt: expiresAtMs && new Date(expiresAtMs) });
    },
    onRefreshFailed: (err: unknown) => report("cam.key_not_renewed", { err }),
    onKnown: (camIdentity: object) => report("cam.key_accepted", { camIdentity }),
    onUnknown: (err: unknown) =>
      report("cam.key_not_accepted", { ...(err as { readonly failure?: object }).failure, err }),
    onElsewhere: ({ message }: ElsewhereError) => {
      noteCredentials(message);
      report("account.elsewhere", { problem: message });
    },
    /** Shows the state of the account from now on. */
    watch: () => {
      unwatch = health.watch(account, sample);
      reportCredentials();
    },
    /** Removes the state of the account, for example before another part of this name shows its own. */
    unwatch: () => {
      unwatch?.();
      unwatch = undefined;
    },
  };
}

/** Reports one call to CAM. Only its log line contains CAM's own message. */
export function reportCamAttempt({ clock, report, metrics, spans }: Telemetry, attempt: CamAttempt): void {
  const { traceId, error, next, durationMs, quotaWaitMs, ...rest } = attempt;
  const { action, camRequestId } = rest;
  const outcome = outcomeOf(error);
  const nowMs = clock.monotonic();
  currentOperation.getStore()?.waited(nowMs - durationMs, nowMs);
  metrics.record("cam.calls", 1, { action, outcome });
  if (wasSent(attempt)) {
    metrics.record("cam.call.duration", (durationMs - quotaWaitMs) / 1_000);
    metrics.record("cam.quota.wait", quotaWaitMs / 1_000);
  }
  spans?.add(
    `CAM ${action}`,
    durationMs,
    {
      "cam.action": action,
      "cam.outcome": outcome,
      "cam.attempt": attempt.attempt,
      "cam.quota_wait_ms": Math.round(quotaWaitMs),
      ...(camRequestId === undefined ? {} : { "cam.request_id": camRequestId }),
    },
    error && (error.camCode ?? error.kind),
  );
  const fields = {
    ...{ ...rest, requestId: traceId },
    ...{ durationMs: Math.round(durationMs), quotaWaitMs: Math.round(quotaWaitMs) },
  };
  if (error === undefined) {
    report("cam.call_succeeded", fields);
    return;
  }
  const { kind, camCode, camMessage, httpStatus, failure } = error;
  // The error's causes name the places where the gateway looked for keys, and the fault in each.
  const reasons = kind === "NO_CREDENTIAL" ? { err: error } : {};
  const isCallersError = kind === "REFUSED" && CALLERS_ERRORS.test(camCode ?? "");
  report(isCallersError ? "cam.call_refused" : "cam.call_failed", {
    ...{ ...fields, kind, camCode, camMessage, httpStatus },
    ...{ ...failure, ...next, ...reasons },
  });
}

/** Other codes concern the operator: CAM asks for fewer calls, or does not accept the key. */
const CALLERS_ERRORS = /^(FailedOperation|InvalidParameter|InvalidParameterValue|ResourceNotFound)\b/;

function wasSent({ error }: CamAttempt): boolean {
  return error?.kind !== "NO_CREDENTIAL" && error?.kind !== "ABORTED";
}

/** Returns the outcome of an attempt in few words. CAM's own codes are too many for a label. */
function outcomeOf(error: CamError | undefined): string {
  if (error === undefined) return "ok";
  const { kind, camCode } = error;
  if (isThrottle(camCode)) return "throttled";
  if (kind === "NO_CREDENTIAL" || isKeyRefused(camCode)) return "key_refused";
  return kind === "REFUSED" ? "refused" : "failed";
}
