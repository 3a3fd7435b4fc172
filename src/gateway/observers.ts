import type { Logger } from "kysely";
import type { Refusal } from "../auth/authenticator.ts";
import type { PoolState } from "../database/database.ts";
import type { LogEventId } from "../telemetry/log-events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

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
