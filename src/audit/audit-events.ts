import { sql } from "kysely";
import type { CallerIdentity } from "../auth/caller.ts";
import type { Database } from "../database/database.ts";
import { runQuery, runRead } from "../database/statements.ts";

export const EVENT_KINDS = [
  "refusal",
  "refusals",
  "caller_paused",
  "caller_resumed",
  "export",
  "account_added",
  "account_removed",
  "pruned",
  "restore_accepted",
  "account_changed",
  "account_bound",
  "rollout_started",
  "rollout_sealed",
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** A sealed event. Times are by the clock of the database. */
export interface AuditEvent {
  /** UUIDv7: sorts by time. */
  readonly id: string;
  readonly kind: EventKind;
  readonly at: Date;
  readonly account: string | undefined;
  /** The caller or operator. Undefined for events of the gateway itself. */
  readonly by: CallerIdentity | undefined;
  /** The facts of the kind. docs/iam/events.md lists them. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An event that the gateway records. */
export interface NewEvent {
  readonly kind: "refusal" | "refusals" | "export" | "restore_accepted";
  readonly account?: string | undefined;
  readonly subject?: string | undefined;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
  /** How long ago it happened. */
  readonly ageMs?: number;
  readonly details: Readonly<Record<string, unknown>>;
}

interface EventFilter {
  readonly kind?: EventKind | undefined;
  readonly account?: string | undefined;
  readonly subject?: string | undefined;
  /** At or after. */
  readonly from?: Date | undefined;
  /** Before. */
  readonly until?: Date | undefined;
}

/** Stores the sealed events of the record, other than changes. Throws the errors of ChangeStore. */
export class AuditEvents {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Seals events in one statement, all or none. */
  async record(events: readonly NewEvent[]): Promise<void> {
    await runQuery(this.#database, sql`select record_events(${JSON.stringify(events)}::jsonb)`);
  }

  /** Returns a page of events, newest first. `after` is the id of the last event of the page before. */
  async list(filter: EventFilter, limit: number, after?: string): Promise<readonly AuditEvent[]> {
    const { kind, account, subject, from, until } = filter;
    const conditions = [sql`true`];
    if (kind !== undefined) conditions.push(sql`kind = ${kind}`);
    if (account !== undefined) conditions.push(sql`account = ${account}`);
    if (subject !== undefined) conditions.push(sql`subject = ${subject}`);
    if (from !== undefined) conditions.push(sql`at >= ${from}`);
    if (until !== undefined) conditions.push(sql`at < ${until}`);
    if (after !== undefined) conditions.push(sql`id < ${after}`);
    const rows = await runRead<EventRow>(
      this.#database,
      sql`select * from audit_event where ${sql.join(conditions, sql` and `)} order by id desc limit ${limit}`,
    );
    return rows.map(toEvent);
  }
}

interface EventRow extends Omit<AuditEvent, "by"> {
  readonly subject?: string;
  readonly client?: string;
  readonly issuer?: string;
}

function toEvent({ id, kind, at, account, subject, client, issuer, details }: EventRow): AuditEvent {
  return {
    id,
    kind,
    at,
    account,
    by: subject === undefined ? undefined : { subject, client, issuer },
    details,
  };
}
