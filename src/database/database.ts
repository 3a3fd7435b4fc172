/**
 * Owns the store: PostgreSQL or PGlite behind one interface, its migrations, and the meaning of its errors. It does not
 * own the statements of the record or the quota, which are in audit/, quota/ and schema/migrations. Read
 * postgres-database.ts or pglite-database.ts next.
 */

import type { Kysely } from "kysely";

/** The type of all tables. Only SQL names columns (schema/migrations), so Kysely has no types of columns. */
export type Tables = Record<string, Record<string, unknown>>;

/** The gateway's store: one interface and one SQL dialect for PostgreSQL and PGlite. */
export interface Database {
  readonly kind: "postgres" | "pglite";
  /**
   * Records changes. Each statement or transaction is a unit of work with its own settings. A statement ends after a
   * few seconds. Errors of the driver pass through; `isUnavailable` separates faults of the store from faults of the
   * gateway.
   */
  readonly db: Kysely<Tables>;
  /** Takes slots of CAM's quota, on connections of its own. */
  readonly quota: Kysely<Tables>;
  /** Answers queries, on connections of its own. Refuses writes, and ends a statement after two seconds. */
  readonly reads: Kysely<Tables>;
  /** Runs the statements of background jobs, on connections of its own. */
  readonly jobs: JobStore;
  /** Runs work that may take minutes, on a connection of its own. Its statements have no time limit. */
  withoutTimeLimit<Result>(work: (db: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  /** Returns the pools of connections; none for PGlite. */
  pools(): readonly PoolState[];
  close(): Promise<void>;
}

/** The store of the job queue. The queue brings statements of its own, which may begin and end transactions. */
export interface JobStore {
  readonly kind: Database["kind"];
  /** The schema of the queue's tables, next to the schema of the gateway's tables. */
  readonly schema: string;
  /** Runs one statement with values, or several without. */
  executeSql(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** The connections of one pool. */
export interface PoolState {
  readonly name: string;
  readonly idle: number;
  readonly used: number;
  /** The units of work that wait for a connection. */
  readonly pending: number;
}

/** The database cannot be opened, or differs from the gateway's expectations. The message contains the remedy. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}
