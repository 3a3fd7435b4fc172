import type { Kysely, RawBuilder } from "kysely";
import { GatewayError } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { isUnavailable } from "../database/store-errors.ts";
import type { Tables } from "../database/tables.ts";

/**
 * Runs one statement of a change.
 *
 * @throws GatewayError STORE_UNAVAILABLE, with the driver's error as its cause, where the store does not do its work
 *   now. A mistake of ours in a statement or a value is thrown as the driver's error.
 */
export function runQuery<Row>({ db }: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return run(db, query);
}

/** Runs one statement that only answers a query. Errors are those of `runQuery`. */
export function runRead<Row>({ reads }: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return run(reads, query, "Such a read ends after two seconds: narrow its filter, or try again later.");
}

async function run<Row>(db: Kysely<Tables>, query: RawBuilder<unknown>, ifSlow?: string): Promise<Row[]> {
  try {
    const { rows } = await query.execute(db);
    return rows as Row[];
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const hint = isTimeout(error) ? ifSlow : undefined;
    throw new GatewayError("STORE_UNAVAILABLE", { hint, cause: error });
  }
}

/** query_canceled, by statement_timeout. */
function isTimeout(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "57014";
}

/** Runs statements of a change in one transaction. Errors are those of `runQuery`. */
export async function inTransaction<Result>(
  database: Database,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  try {
    return await database.db.transaction().execute((db) => work({ ...database, db }));
  } catch (error) {
    if (error instanceof GatewayError || !isUnavailable(error)) throw error;
    throw new GatewayError("STORE_UNAVAILABLE", { cause: error });
  }
}
