import type { Kysely } from "kysely";

/** Columns are named in SQL alone (schema/migrations), so that Kysely knows none. */
export type Tables = Record<string, Record<string, unknown>>;

/** The gateway's store: one interface and one SQL dialect, whether PostgreSQL or PGlite is behind it. */
export interface Database {
  readonly kind: "postgres" | "pglite";
  /**
   * Records changes. Each statement, or transaction, is a unit of work with its own settings; a statement that takes
   * longer than some seconds ends. Errors of the driver pass through; `isUnavailable` tells those that are the store's
   * from those that are ours.
   */
  readonly db: Kysely<Tables>;
  /** Takes slots of CAM's quota, on connections that nothing else uses. */
  readonly quota: Kysely<Tables>;
  /** Answers queries, on connections that nothing else uses. Takes no writes, and ends a statement after two seconds. */
  readonly reads: Kysely<Tables>;
  /** Hands work that may take minutes a connection of its own, whose statements may take as long as they need. */
  unhurried<Result>(work: (db: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  /** Once is enough; again does nothing more. */
  close(): Promise<void>;
}

/** The store cannot be opened, or is not what the gateway expects. The message says what to do. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}
