import { sql } from "kysely";
import type { CallerIdentity } from "../auth/caller.ts";
import type { Database } from "../database/database.ts";
import { runQuery, runRead } from "../database/statements.ts";

/** The limit on how many users a caller may change in a time. Beyond it, the gateway pauses the caller. */
export interface BulkGuard {
  /** The number of different users whose changes a caller requests or approves; 0 for no limit. */
  readonly users: number;
  readonly withinMs: number;
}

export const NO_BULK_GUARD: BulkGuard = { users: 0, withinMs: 0 };

/** A pause of a caller. The caller makes no changes until an operator ends it. Times are by the database's clock. */
export interface CallerPause {
  readonly id: string;
  readonly subject: string;
  readonly issuer: string | undefined;
  readonly pausedAt: Date;
  /** The number of different users that the caller changed within `withinMs`. */
  readonly users: number;
  readonly withinMs: number;
  readonly resumed: { readonly at: Date; readonly by: CallerIdentity } | undefined;
}

/** The callers that the bulk guard (guard_caller in schema/functions.sql) has paused. Throws the errors of ChangeStore. */
export class CallerPauses {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async isPaused({ subject, issuer }: CallerIdentity): Promise<boolean> {
    const rows = await runQuery(
      this.#database,
      sql`
        select from caller_pause
        where subject = ${subject} and issuer is not distinct from ${issuer ?? null} and resumed_at is null`,
    );
    return rows.length > 0;
  }

  /** Returns the paused callers, the latest first. */
  async list(): Promise<readonly CallerPause[]> {
    const rows = await runRead<PauseRow>(
      this.#database,
      sql`select * from caller_pause where resumed_at is null order by paused_at desc`,
    );
    return rows.map(toPause);
  }

  /** Ends a pause and restarts the count of users. Returns undefined if the pause is over or belongs to `by`. */
  async resume(id: string, by: CallerIdentity): Promise<CallerPause | undefined> {
    const [row] = await runQuery<PauseRow>(
      this.#database,
      sql`
        select * from resume_caller(${id}, ${by.subject}, ${by.client ?? null}, ${by.issuer ?? null})`,
    );
    return row && toPause(row);
  }
}

interface PauseRow extends Omit<CallerPause, "resumed"> {
  readonly resumedAt?: Date;
  readonly resumedBySubject: string;
  readonly resumedByClient?: string;
  readonly resumedByIssuer?: string;
}

function toPause({
  id,
  subject,
  issuer,
  pausedAt,
  users,
  withinMs,
  resumedAt: at,
  ...row
}: PauseRow): CallerPause {
  const by = { subject: row.resumedBySubject, client: row.resumedByClient, issuer: row.resumedByIssuer };
  return { id, subject, issuer, pausedAt, users, withinMs, resumed: at && { at, by } };
}
