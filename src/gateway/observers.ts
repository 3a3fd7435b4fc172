import type { Logger } from "kysely";
import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Refusal } from "../auth/authenticator.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import type { ChangeObserver } from "../changes/mfa-change.ts";
import type { PausedCallersObserver } from "../changes/paused-callers.ts";
import { type CamErrorCode, describeCamError } from "../contract/index.ts";
import type { PoolState } from "../database/database.ts";
import type { LogEventId } from "../telemetry/log-events.ts";
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

/** Adds a span for each statement. Undefined without tracing. */
export function statementObserver({ spans }: Telemetry): Logger | undefined {
  if (spans === undefined) return undefined;
  return ({ query, queryDurationMillis, ...event }) => {
    const summary = summaryOf(query.sql);
    const attributes = { "db.system.name": "postgresql", "db.query.summary": summary };
    const error = event.level === "error" ? ((event.error as { code?: string }).code ?? "_OTHER") : undefined;
    spans.add(summary, queryDurationMillis, attributes, error);
  };
}

/** Returns the first word of a statement and its table or function: `select begin_change`. */
function summaryOf(sql: string): string {
  const [, verb = "", target = ""] =
    /^\s*(\w+)(?:[^"\w]*(?:.*?\b(?:from|into|update)\b)?[\s"]*(\w+))?/is.exec(sql) ?? [];
  // The function that a statement runs for each row says more than the source of the rows.
  const forEach = /\blateral (\w+)/i.exec(sql)?.[1];
  return `${verb} ${forEach ?? target}`.toLowerCase().trim();
}

/** Records the connections to PostgreSQL. */
export function recordPools({ metrics }: Telemetry, pools: readonly PoolState[]): void {
  for (const { name, idle, used, pending } of pools) {
    const pool = { "db.client.connection.pool.name": name };
    metrics.record("db.client.connection.count", idle, { ...pool, "db.client.connection.state": "idle" });
    metrics.record("db.client.connection.count", used, { ...pool, "db.client.connection.state": "used" });
    metrics.record("db.client.connection.pending_requests", pending, pool);
  }
}
