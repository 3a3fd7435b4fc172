import { sql } from "kysely";
import type { MacVerdict, RequestMacs, StartContent } from "../audit/request-macs.ts";
import type { Caller, CallerIdentity, Scope } from "../auth/caller.ts";
import type { Database } from "../database/database.ts";
import { runQuery } from "../database/statements.ts";

/** The facts that all changes of a running rollout share. */
export interface RunningRollout {
  readonly id: string;
  readonly reason: string;
  /** The caller who started it, with the scopes at that time. */
  readonly startedBy: Caller;
  readonly approver: CallerIdentity | undefined;
  readonly isOver: boolean;
}

/** The columns of mfa_rollout that the MAC of a start covers, and the MAC. */
export const START_COLUMNS = sql`
  plan_hash, caller_subject, caller_client, caller_issuer, started_scopes, decision, decided_by_subject,
  decided_by_client, decided_by_issuer, start_mac, start_key`;

export interface StartRow {
  readonly planHash: string;
  readonly callerSubject: string;
  readonly callerClient?: string;
  readonly callerIssuer?: string;
  readonly startedScopes?: readonly Scope[];
  readonly decision?: string;
  readonly decidedBySubject?: string;
  readonly decidedByClient?: string;
  readonly decidedByIssuer?: string;
  readonly startMac?: string;
  readonly startKey?: string;
}

/** Returns what the MAC of a start covers. */
export function sealedStartOf(id: string, row: StartRow): StartContent & { readonly startedBy: Caller } {
  const { planHash, callerSubject, callerClient, callerIssuer, startedScopes = [] } = row;
  const by = {
    subject: row.decidedBySubject ?? "",
    client: row.decidedByClient,
    issuer: row.decidedByIssuer,
  };
  return {
    ...{ id, planHash },
    startedBy: {
      ...{ subject: callerSubject, client: callerClient, issuer: callerIssuer },
      scopes: new Set(startedScopes),
    },
    approver: row.decision === "approved" ? by : undefined,
  };
}

/** Returns whether a gateway made the MAC of the start. Without keys, every start counts as genuine. */
export function checkStart(requestMacs: RequestMacs | undefined, id: string, row: StartRow): MacVerdict {
  const { startMac: mac, startKey: key } = row;
  const given = mac === undefined || key === undefined ? undefined : { mac, key };
  return requestMacs?.checkStart(sealedStartOf(id, row), given) ?? "GENUINE";
}

/**
 * Returns a started rollout, or FORGED if its start has no valid MAC.
 * @throws Error if the start is sealed by a key that this replica does not have, for example while keys are replaced.
 */
export async function findRunningRollout(
  database: Database,
  requestMacs: RequestMacs | undefined,
  id: string,
): Promise<RunningRollout | "FORGED" | undefined> {
  const [row] = await runQuery<StartRow & { readonly reason: string; readonly isOver: boolean }>(
    database,
    sql`
    select reason, finished_at is not null as is_over, ${START_COLUMNS} from mfa_rollout where id = ${id}`,
  );
  if (row === undefined) return undefined;
  const { reason, isOver } = row;
  // After the run, the lanes only read users.
  const verdict = isOver ? "GENUINE" : checkStart(requestMacs, id, row);
  if (verdict === "UNKNOWN_KEY") throw new Error(`This replica does not have the key of the start of ${id}.`);
  if (verdict !== "GENUINE") return "FORGED";
  const { startedBy, approver } = sealedStartOf(id, row);
  return { id, reason, isOver, startedBy, approver };
}

const FORGED_HINT = "No gateway with this signing key started the rollout in this form. Plan it again.";

/** Stops a rollout whose start has no valid MAC. */
export async function stopForgedRollout(database: Database, id: string): Promise<void> {
  await runQuery(
    database,
    sql`
    select end_rollout(id, 'stopped', 'FORBIDDEN', ${FORGED_HINT}) from mfa_rollout
    where id = ${id} and status in ('running', 'paused')`,
  );
}
