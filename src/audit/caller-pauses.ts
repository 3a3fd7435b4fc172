import { sql } from "kysely";
import type { Database } from "../database/database.ts";
import type { RecordedCaller } from "./change-record.ts";
import { runQuery, runRead } from "./run-query.ts";

/** How many users one caller may change before an operator has to look at it. */
export interface BulkGuard {
  /** Different users whose changes a caller asks for or approves; 0 for any number. */
  readonly users: number;
  readonly withinMs: number;
}

export const NO_BULK_GUARD: BulkGuard = { users: 0, withinMs: 0 };

/** Since when, and why, a caller may change nobody. Times are the database's clock. */
export interface CallerPause {
  readonly id: string;
  readonly subject: string;
  readonly issuer: string | undefined;
  readonly pausedAt: Date;
  /** So many different users within so long. */
  readonly users: number;
  readonly withinMs: number;
  readonly resumed: { readonly at: Date; readonly by: RecordedCaller } | undefined;
}

/** The callers whom the bulk guard has paused; begin_change in schema/migrations does so. Errors are those of ChangeLog. */
export class CallerPauses {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async isPaused({ subject, issuer }: Pick<CallerPause, "subject" | "issuer">): Promise<boolean> {
    const rows = await runQuery(
      this.#database,
      sql`
        select from caller_pause
        where subject = ${subject} and issuer is not distinct from ${issuer ?? null} and resumed_at is null`,
    );
    return rows.length > 0;
  }

  /** Those who are paused now, the latest first. */
  async list(): Promise<readonly CallerPause[]> {
    const rows = await runRead<PauseRow>(
      this.#database,
      sql`select * from caller_pause where resumed_at is null order by paused_at desc`,
    );
    return rows.map(toPause);
  }

  /** Ends a pause, and has the caller's users counted anew. Undefined where it was over, or is that of `by`. */
  async resume(id: string, by: RecordedCaller): Promise<CallerPause | undefined> {
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
