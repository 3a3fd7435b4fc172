import { sql } from "kysely";
import { type Caller, type CallerIdentity, identityOf, isSamePerson } from "../auth/caller.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
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

export interface PausedCallersDeps {
  readonly pauses: Pick<CallerPauses, "isPaused" | "list" | "resume">;
  readonly observer?: PausedCallersObserver;
}

export interface PausedCallersObserver {
  onCallerResumed(pause: CallerPause): void;
  /** Called once for each pause, in the replica whose request caused it. */
  onCallerPaused(caller: CallerIdentity, opUin: Uin): void;
}

/**
 * Refuses paused callers before the gateway reads the user to change. The database decides which callers are paused,
 * when it records a change (`refuse`). This class remembers whom it refused, and asks the database about those callers
 * only (`requireResumed`).
 */
export class PausedCallers {
  readonly #deps: PausedCallersDeps;
  readonly #refused = new Set<string>();

  constructor(deps: PausedCallersDeps) {
    this.#deps = deps;
  }

  /** Returns the current pauses, the latest first. */
  list(): Promise<readonly CallerPause[]> {
    return this.#deps.pauses.list();
  }

  /**
   * Ends the pause of a caller. Returns undefined if another operator already ended it.
   * @throws GatewayError FORBIDDEN if the paused callers would resume themselves.
   */
  async resume({ id, subject }: CallerPause, by: CallerIdentity): Promise<CallerPause | undefined> {
    if (isSamePerson({ subject }, by)) {
      const hint = "Paused callers cannot resume themselves.";
      throw new GatewayError("FORBIDDEN", { hint, rule: "resume by another" });
    }
    const resumed = await this.#deps.pauses.resume(id, identityOf(by));
    if (resumed !== undefined) this.#deps.observer?.onCallerResumed(resumed);
    return resumed;
  }

  /**
   * Refuses a caller whom this process refused before, until an operator resumes the caller.
   * @throws GatewayError CALLER_PAUSED
   */
  async requireResumed(caller: CallerIdentity, opUin: Uin): Promise<void> {
    const name = nameOf(caller);
    if (!this.#refused.has(name)) return;
    if (await this.#deps.pauses.isPaused(caller)) {
      throw new GatewayError("CALLER_PAUSED", { opUin, rule: "bulk guard" });
    }
    this.#refused.delete(name);
  }

  /** Refuses a caller by the database's verdict. @throws GatewayError CALLER_PAUSED */
  refuse(caller: Caller, opUin: Uin, verdict: "PAUSED" | "PAUSES"): never {
    this.#refused.add(nameOf(caller));
    if (verdict === "PAUSES") this.#deps.observer?.onCallerPaused(caller, opUin);
    throw new GatewayError("CALLER_PAUSED", { opUin, rule: "bulk guard" });
  }
}

function nameOf({ subject, issuer }: CallerIdentity): string {
  return JSON.stringify([subject, issuer]);
}
