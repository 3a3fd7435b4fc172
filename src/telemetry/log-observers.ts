import type { LogEventId, Report } from "./log-events.ts";

/** The fields of a call of CAM that a log line contains. */
interface AttemptEvent {
  readonly action: string;
  readonly traceId: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly quotaWaitMs: number;
  readonly camRequestId: string | undefined;
  readonly error:
    | (Error & {
        readonly kind: string;
        readonly camCode: string | undefined;
        readonly camMessage: string | undefined;
        readonly httpStatus: number | undefined;
        /** A code, and a sentence with the remedy, for a missing or unusable answer. */
        readonly failure: object | undefined;
      })
    | undefined;
  readonly next: object | undefined;
}

/** Reports one call to CAM. Only this line contains CAM's own message. */
export function reportCamAttempt(report: Report, event: AttemptEvent): void {
  const { traceId, error, next, durationMs, quotaWaitMs, ...rest } = event;
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

interface CallerNames {
  readonly subject: string;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
}

interface RecordNames {
  readonly id: string;
  readonly account: string;
  readonly opUin: string;
}

/** The fields of a change that a log line contains. */
interface ChangeEvent {
  readonly request: { readonly account?: string | undefined; readonly opUin: string };
  readonly context: { readonly requestId: string; readonly caller: CallerNames };
  readonly approves: { readonly requester: CallerNames } | undefined;
  readonly shared: boolean;
  readonly changeId: string | undefined;
  readonly flagSets: object | undefined;
  readonly result:
    | { readonly outcome: object }
    | { readonly error: unknown; readonly failure: FailureEvent | undefined };
  readonly durationMs: number;
}

interface FailureEvent {
  readonly code: string;
  /** The gateway's own message, such as the rule that refuses. */
  readonly message?: string | undefined;
  /** The time until which the change can be approved. */
  readonly expiresAt?: string | undefined;
  readonly cam?: { readonly code: string; readonly requestId: string } | undefined;
}

/** Reports each request for a change: the caller, the user, the flag sets and the outcome. */
export function changeObserver(report: Report) {
  return {
    onChange({ request, context, approves, shared, changeId, flagSets, result, durationMs }: ChangeEvent) {
      const fields = {
        requestId: context.requestId,
        ...callerFields(context.caller),
        changeId,
        // The name from the request. An account of this name may not exist.
        account: request.account ?? "default",
        opUin: request.opUin,
        sent: flagSets,
        durationMs: Math.round(durationMs),
        ...(approves === undefined ? {} : { approvedFor: approves.requester.subject }),
        // Only shared requests have this field. They are rare.
        ...(shared ? { shared } : {}),
      };
      if ("outcome" in result) return report("change.applied", { ...fields, ...result.outcome });
      const { code, message: why, expiresAt, cam } = result.failure ?? { code: "INTERNAL" };
      if (code === "APPROVAL_REQUIRED") return report("change.awaits_approval", { ...fields, expiresAt });
      const failed = { ...fields, code, why, camCode: cam?.code, camRequestId: cam?.requestId };
      // No other log line contains the reason for the store's failure.
      if (code === "STORE_UNAVAILABLE")
        return report("change.not_recorded", { ...failed, err: result.error });
      report(UNPROVEN.has(code) ? "change.outcome_unknown" : "change.not_applied", failed);
    },
    onRejected: (event: {
      record: RecordNames & { caller: CallerNames };
      caller: CallerNames;
      requestId: string;
    }) =>
      report("change.rejected", {
        ...{ requestId: event.requestId, ...callerFields(event.caller), ...recordFields(event.record) },
        requestedBy: event.record.caller.subject,
      }),
    onUnsettled: (changeId: string, err: unknown) => report("change.not_settled", { changeId, err }),
    onCallerPaused: (caller: CallerNames, opUin: string) =>
      report("caller.paused", { ...callerFields(caller), opUin }),
    onCallerResumed: (pause: CallerNames & { readonly resumed: { readonly by: CallerNames } | undefined }) =>
      report("caller.resumed", { ...callerFields(pause), resumedBy: pause.resumed?.by.subject }),
  };
}

/** Codes that leave the outcome open. An unexpected error also has a line `internal_error` with its stack. */
const UNPROVEN: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "INTERNAL"]);

function callerFields({ subject, client, issuer }: CallerNames) {
  return { caller: subject, callerClient: client, callerIssuer: issuer };
}

function recordFields({ id: changeId, account, opUin }: RecordNames) {
  return { changeId, account, opUin };
}

/** Reports the outcome of a change that no request waits for any more. */
export function reconcilerObserver(report: Report) {
  return {
    onSettled: (record: RecordNames, settlement: { status: string; code?: string | undefined }) => {
      const { status, code } = settlement;
      const open = status === "unknown" ? "change.still_unknown" : "change.settled";
      const event = code === "APPROVAL_EXPIRED" ? "change.approval_expired" : open;
      report(event, { ...recordFields(record), ...settlement });
    },
    onAppliedLate: (record: RecordNames) => report("change.applied_late", recordFields(record)),
    onError: (err: unknown) => report("change.reconciler_failed", { err }),
    onOrphaned: (account: string, changes: number) => report("change.orphaned", { account, changes }),
  };
}

/** The refusal of a caller. It has `retryAfterMs` if the token or certificate cannot be checked now. */
interface RejectedTokenEvent {
  readonly refusal: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** Issuer and audience of the token, and the expected ones. */
  readonly mismatch?: object;
  readonly claim?: { readonly name: string; readonly problem: string };
}

/** Reports a token or certificate that the gateway rejects or cannot check. No line contains it. */
export function reportRejectedToken(report: Report, refused: RejectedTokenEvent, requestId: string): void {
  const { refusal, retryAfterMs, cause, mismatch, claim } = refused;
  const event: LogEventId = retryAfterMs === undefined ? "auth.token_rejected" : "auth.check_failed";
  report(event, {
    ...{ requestId, reason: refusal, ...(cause === undefined ? {} : { problem: String(cause) }) },
    ...{ ...mismatch, ...(claim === undefined ? {} : { claim: claim.name, claimProblem: claim.problem }) },
  });
}

/** Reports which policy is in force. */
export function policyObserver(report: Report) {
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
  report: Report,
  configured: readonly string[],
  listed: readonly string[],
) {
  const unlisted = configured.filter((name) => !listed.includes(name));
  const unknown = listed.filter((name) => !configured.includes(name));
  if (unlisted.length > 0) report("policy.accounts_unlisted", { accounts: unlisted });
  if (unknown.length > 0) report("policy.accounts_unknown", { accounts: unknown });
}

/** Reports whether CAM accepts the key, and its owner. */
export function identityObserver(report: Report) {
  return {
    onKnown: (camIdentity: object) => report("cam.key_accepted", { camIdentity }),
    onUnknown: (err: unknown) =>
      report("cam.key_not_accepted", { ...(err as { readonly failure?: object }).failure, err }),
  };
}

/** Reports which key is in use, by its id, which is not secret. */
export function credentialObserver(report: Report) {
  return {
    onLoaded: ({ secretId, expiresAtMs }: { readonly secretId: string; readonly expiresAtMs?: number }) =>
      report("cam.key_loaded", { secretId, expiresAt: expiresAtMs && new Date(expiresAtMs) }),
    onRefreshFailed: (err: unknown) => report("cam.key_not_renewed", { err }),
  };
}

export function quotaObserver(report: Report) {
  return {
    onSlotMissed: (missed: object) => report("quota.slot_missed", missed),
    onThrottled: (throttled: object) => report("cam.throttled", throttled),
    onStoreUnavailable: (err: unknown, reason: string) => report("quota.unavailable", { err, reason }),
    onStoreRecovered: (outageMs: number) =>
      report("quota.available", { unavailableMs: Math.round(outageMs) }),
  };
}

export function keysObserver(report: Report, issuer: string) {
  return {
    onKeysLoaded: () => report("auth.keys_loaded", { issuer }),
    onKeysUnavailable: (err: unknown) => report("auth.keys_unavailable", { issuer, err }),
  };
}

export function tlsObserver(report: Report) {
  return {
    onTlsReloaded: () => report("tls.reloaded"),
    onTlsError: (err: unknown) => report("tls.certificate_unusable", { err }),
  };
}

/** Reports refused connections: the first of each kind on its own, and then one line a minute for the others. */
export function connectionObserver(report: Report) {
  return {
    onConnectionsRefused: (kind: "address" | "total", address: string, connections: number) =>
      report(kind === "total" ? "http.connections_refused" : "http.connections_refused_by_address", {
        ...{ kind, address, connections },
      }),
  };
}
