import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

/** The gateway's store: one interface and one SQL dialect, whether PostgreSQL or PGlite is behind it. */
export interface Database {
  readonly kind: "postgres" | "pglite";
  /** Queries and transactions. Errors of the driver pass through; `isUnavailable` tells the passing ones. */
  readonly db: Kysely<Tables>;
  close(): Promise<void>;
}

/** The store cannot be opened, or is not what the gateway expects. The message says what to do. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}
