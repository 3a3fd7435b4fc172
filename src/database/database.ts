/**
 * Owns the store: PostgreSQL or PGlite behind one interface, its migrations, and what an error of it means. It does not own
 * the statements of the record or the quota, which are in audit/, quota/ and schema/migrations. Read postgres-database.ts or
 * pglite-database.ts next.
 */

import type { Kysely } from "kysely";

/** Columns are named in SQL alone (schema/migrations), so that Kysely knows none. */
export type Tables = Record<string, Record<string, unknown>>;

/** The gateway's store: one interface and one SQL dialect, whether PostgreSQL or PGlite is behind it. */
export interface Database {
  readonly kind: "postgres" | "pglite";
  /**
   * Records changes. Each statement or transaction is a unit of work with its own settings. A statement ends after a few
   * seconds. Errors of the driver pass through; `isUnavailable` tells faults of the store from faults of the gateway.
   */
  readonly db: Kysely<Tables>;
  /** Takes slots of CAM's quota, on connections of its own. */
  readonly quota: Kysely<Tables>;
  /** Answers queries, on connections of its own. Refuses writes, and ends a statement after two seconds. */
  readonly reads: Kysely<Tables>;
  /** Runs work of minutes on a connection of its own, whose statements have no time limit. */
  unhurried<Result>(work: (db: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** The database cannot be opened, or is not as the gateway expects. The message says what to do. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}
