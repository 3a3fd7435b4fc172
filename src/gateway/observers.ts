import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Refusal } from "../auth/authenticator.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import {
  type ActionCircuits,
  type CamAttempt,
  type ClockSkew,
  isKeyRefused,
  isThrottle,
} from "../cam/index.ts";
import type { ChangeObserver } from "../changes/mfa-change.ts";
import type { PausedCallersObserver } from "../changes/paused-callers.ts";
import type { Clock } from "../clock.ts";
import type { LogEventId } from "../telemetry/log-events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** The parts of an account whose state the observer reads. */
interface ObservedAccount {
  readonly name: string;
  readonly clock: Clock;
  readonly skew: Pick<ClockSkew, "skewMs">;
  readonly circuits: Pick<ActionCircuits, "openActions">;
}

/** The quota of an account counts as degraded for this time after a throttle or a refusal. */
const STRAINED_MS = 60_000;

/** Reports the calls of one account to CAM, and the state of the parts that they use. */
export function accountObserver(telemetry: Telemetry, { name, clock, skew, circuits }: ObservedAccount) {
  const { health } = telemetry;
  let strained: { readonly atMs: number; readonly problem: string } | undefined;
  const strain = (problem: string): void => {
    strained = { atMs: clock.monotonic(), problem };
  };
  const unwatch = health.watch(name, () => {
    const seconds = Math.round(skew.skewMs / 1_000);
    const differs = `CAM's clock differs by ${seconds} s. The gateway signs with CAM's time.`;
    health.report("clock", name, seconds === 0 ? undefined : differs);
    const open = circuits.openActions.join(", ");
    health.report("circuit", name, open === "" ? undefined : `CAM fails for most users: ${open}.`);
    const isStrained = strained !== undefined && clock.monotonic() - strained.atMs < STRAINED_MS;
    health.report("quota", name, isStrained ? strained?.problem : undefined);
  });
  return {
    onAttempt: (attempt: CamAttempt) => {
      const { kind, camCode } = attempt.error ?? {};
      if (isThrottle(camCode)) strain("CAM throttles calls. Another program may use the same key.");
      if (kind === "NO_CREDENTIAL") health.report("credentials", name, "No source has a key for CAM.");
      else if (isKeyRefused(camCode)) health.report("credentials", name, `CAM refuses the key: ${camCode}.`);
      else if (kind === undefined || kind === "REFUSED") health.report("credentials", name);
      reportCamAttempt(telemetry, attempt);
    },
    onQuotaExhausted: () => strain("More calls wait than CAM's limit admits in time."),
    unwatch,
  };
}

/** Reports one call to CAM. Only this line contains CAM's own message. */
export function reportCamAttempt({ report }: Telemetry, attempt: CamAttempt): void {
  const { traceId, error, next, durationMs, quotaWaitMs, ...rest } = attempt;
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

/** Reports each request for a change: the caller, the user, the flag sets and the outcome. */
export function changeObserver({ report }: Telemetry): ChangeObserver & PausedCallersObserver {
  return {
    onChange({ request, context, approves, shared, changeId, flagSets, result, durationMs }) {
      const fields = {
        requestId: context.requestId,
        ...callerFields(context.caller),
        changeId,
        // The name from the request. An account of this name may not exist.
        account: request.account ?? DEFAULT_ACCOUNT,
        opUin: request.opUin,
        sent: flagSets,
        durationMs: Math.round(durationMs),
        ...(approves === undefined ? {} : { approvedFor: approves.requester.subject }),
        // Only shared requests have this field. They are rare.
        ...(shared ? { shared } : {}),
      };
      if ("outcome" in result) return report("change.applied", { ...fields, ...result.outcome });
      const { error, failure } = result;
      // An error that the gateway did not raise deliberately has no failure.
      const code = failure?.code ?? "INTERNAL";
      if (code === "APPROVAL_REQUIRED") {
        return report("change.awaits_approval", { ...fields, expiresAt: failure?.expiresAt });
      }
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
    onCallerPaused: (caller, opUin) => report("caller.paused", { ...callerFields(caller), opUin }),
    onCallerResumed: (pause) =>
      report("caller.resumed", { ...callerFields(pause), resumedBy: pause.resumed?.by.subject }),
  };
}

/** Codes that leave the outcome open. An unexpected error also has a line `internal_error` with its stack. */
const UNPROVEN: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "INTERNAL"]);

function callerFields({ subject, client, issuer }: Partial<CallerIdentity>) {
  return { caller: subject, callerClient: client, callerIssuer: issuer };
}

function recordFields({ id: changeId, account, opUin }: ChangeRecord) {
  return { changeId, account, opUin };
}

/** Reports the outcome of a change that no request waits for any more. */
export function reconcilerObserver({ report }: Telemetry) {
  return {
    onSettled: (record: ChangeRecord, settlement: ChangeSettlement) => {
      const { status, code } = settlement;
      const open = status === "unknown" ? "change.still_unknown" : "change.settled";
      const event = code === "APPROVAL_EXPIRED" ? "change.approval_expired" : open;
      report(event, { ...recordFields(record), ...settlement });
    },
    onAppliedLate: (record: ChangeRecord) => report("change.applied_late", recordFields(record)),
    onError: (err: unknown) => report("change.reconciler_failed", { err }),
  };
}

/** Reports a token or certificate that the gateway rejects or cannot check. No line contains it. */
export function reportRejectedToken({ report }: Telemetry, refused: Refusal, requestId: string): void {
  const { refusal, retryAfterMs, cause, mismatch, claim } = refused;
  const event: LogEventId = retryAfterMs === undefined ? "auth.token_rejected" : "auth.check_failed";
  report(event, {
    ...{ requestId, reason: refusal, ...(cause === undefined ? {} : { problem: String(cause) }) },
    ...{ ...mismatch, ...(claim === undefined ? {} : { claim: claim.name, claimProblem: claim.problem }) },
  });
}

/** Reports which policy is in force. */
export function policyObserver({ report }: Telemetry) {
  return {
    onPolicyInForce: (policy: object) => report("policy.in_force", { policy }),
    onPolicyError: (err: unknown) => {
      const { problems } = err as { readonly problems?: unknown };
      report("policy.unusable", Array.isArray(problems) ? { problems } : { err });
    },
  };
}

/** Reports accounts that the policy does not list, and accounts in the policy that are not configured. */
export function reportUnlistedAccounts(
  { report }: Telemetry,
  configured: readonly string[],
  listed: readonly string[],
) {
  const unlisted = configured.filter((name) => !listed.includes(name));
  const unknown = listed.filter((name) => !configured.includes(name));
  if (unlisted.length > 0) report("policy.accounts_unlisted", { accounts: unlisted });
  if (unknown.length > 0) report("policy.accounts_unknown", { accounts: unknown });
}

/** Reports whether CAM accepts the key, and its owner. */
export function identityObserver({ report }: Telemetry) {
  return {
    onKnown: (camIdentity: object) => report("cam.key_accepted", { camIdentity }),
    onUnknown: (err: unknown) =>
      report("cam.key_not_accepted", { ...(err as { readonly failure?: object }).failure, err }),
  };
}

/** Reports which key is in use, by its id, which is not secret. */
export function credentialObserver({ report }: Telemetry) {
  return {
    onLoaded: ({ secretId, expiresAtMs }: { readonly secretId: string; readonly expiresAtMs?: number }) =>
      report("cam.key_loaded", { secretId, expiresAt: expiresAtMs && new Date(expiresAtMs) }),
    onRefreshFailed: (err: unknown) => report("cam.key_not_renewed", { err }),
  };
}

export function quotaObserver({ report, health }: Telemetry) {
  return {
    onSlotMissed: (missed: object) => report("quota.slot_missed", missed),
    onThrottled: (throttled: object) => report("cam.throttled", throttled),
    onStoreUnavailable: (err: unknown, reason: string) => {
      health.report("database", undefined, `The database cannot be written: ${reason}.`);
      report("quota.unavailable", { err, reason });
    },
    onStoreRecovered: (outageMs: number) => {
      health.report("database", undefined);
      report("quota.available", { unavailableMs: Math.round(outageMs) });
    },
  };
}

export function keysObserver({ report, health }: Telemetry, issuer: string) {
  return {
    onKeysLoaded: (isNew: boolean) => {
      health.report("issuer_keys", issuer);
      if (isNew) report("auth.keys_loaded", { issuer });
    },
    onKeysUnavailable: (err: unknown) => {
      health.report("issuer_keys", issuer, "The issuer's keys cannot be loaded.");
      report("auth.keys_unavailable", { issuer, err });
    },
  };
}

export function tlsObserver({ report }: Telemetry) {
  return {
    onTlsReloaded: () => report("tls.reloaded"),
    onTlsError: (err: unknown) => report("tls.certificate_unusable", { err }),
  };
}

/** Reports refused connections: the first of each kind on its own, and then one line a minute for the others. */
export function connectionObserver({ report }: Telemetry) {
  return {
    onConnectionsRefused: (kind: "address" | "total", address: string, connections: number) =>
      report(kind === "total" ? "http.connections_refused" : "http.connections_refused_by_address", {
        ...{ kind, address, connections },
      }),
  };
}
