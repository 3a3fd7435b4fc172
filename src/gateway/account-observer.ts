import {
  type ActionCircuits,
  type CamAttempt,
  type CamError,
  type Credential,
  isKeyRefused,
  isThrottle,
  type Quota,
} from "../cam/index.ts";
import type { WrongAccountError } from "../changes/gateway-identity.ts";
import type { ClockSkew } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { currentOperation } from "../telemetry/operation.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** The parts of an account whose state the observer reads. */
interface ObservedAccount {
  readonly name: string;
  readonly ratePerSecond: number;
  readonly skew: Pick<ClockSkew, "skewMs">;
  readonly circuits: Pick<ActionCircuits, "openActions">;
  readonly quota: Quota & { readonly queued: number };
}

/** The quota of an account counts as degraded for this time after a throttle or a refusal. */
const STRAINED_MS = 60_000;

/** Reports the calls of one account to CAM, its keys, and the state of the parts that they use. */
export function accountObserver(
  telemetry: Telemetry,
  { name: account, ratePerSecond, skew, circuits, quota }: ObservedAccount,
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
    metrics.record("cam.quota.queue", quota.queued, { account });
    if (key === undefined) return;
    metrics.record("cam.credential.age", (clock.monotonic() - key.loadedAtMs) / 1_000, { account });
    if (key.expiresAtMs === undefined) return;
    metrics.record("cam.credential.expiry", (key.expiresAtMs - clock.now()) / 1_000, { account });
  };
  const take: Quota["take"] = (request) => {
    const fromMs = clock.monotonic();
    return quota.take(request).catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === "QUOTA_EXHAUSTED") {
        strain("More calls wait than CAM's limit admits in time.");
        currentOperation.getStore()?.addCamWait(fromMs, clock.monotonic());
      }
      throw error;
    });
  };
  return {
    onAttempt: (attempt: CamAttempt) => {
      if (attempt.error === undefined) noteCredentials(undefined);
      else noteError(attempt.error);
      metrics.record("cam.account.calls", 1, { account, outcome: outcomeLabel(attempt.error) });
      if (wasSent(attempt)) metrics.record("cam.quota.slots", 1, { account, action: attempt.action });
      reportCamAttempt(telemetry, attempt);
    },
    /** The quota, which also reports each call that gets no slot before its deadline. */
    quota: { take } satisfies Quota,
    /** Reports which key is in use, by its id, which is not secret. */
    onLoaded: ({ secretId, expiresAtMs }: Pick<Credential, "secretId" | "expiresAtMs">) => {
      key = { loadedAtMs: clock.monotonic(), expiresAtMs };
      report("cam.key_loaded", { secretId, expiresAt: expiresAtMs && new Date(expiresAtMs) });
    },
    onRefreshFailed: (err: unknown) => report("cam.key_not_renewed", { err }),
    onKnown: (camIdentity: object) => report("cam.key_accepted", { camIdentity }),
    onUnknown: (err: unknown) =>
      report("cam.key_not_accepted", { ...(err as { readonly failure?: object }).failure, err }),
    onWrongAccount: ({ message }: WrongAccountError) => {
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
  const outcome = outcomeLabel(error);
  const nowMs = clock.monotonic();
  currentOperation.getStore()?.addCamWait(nowMs - durationMs, nowMs);
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
function outcomeLabel(error: CamError | undefined): string {
  if (error === undefined) return "ok";
  const { kind, camCode } = error;
  if (isThrottle(camCode)) return "throttled";
  if (kind === "NO_CREDENTIAL" || isKeyRefused(camCode)) return "key_refused";
  return kind === "REFUSED" ? "refused" : "failed";
}
