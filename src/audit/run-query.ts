import type { Kysely, RawBuilder } from "kysely";
import { GatewayError } from "../contract/index.ts";
import type { Database, Tables } from "../database/database.ts";
import { isUnavailable } from "../database/store-errors.ts";

/**
 * Runs one statement of a change, and returns its rows in the form of `fromRow`.
 *
 * @throws GatewayError STORE_UNAVAILABLE, with the driver's error as its cause, while the store is unavailable.
 * @throws the driver's error for an invalid statement or value, which is a fault of the gateway.
 */
export function runQuery<Row>({ db }: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return run(db, query);
}

/**
 * Runs one statement of several changes. Returns nothing if one of them is at fault, because the others must not fail
 * with it.
 *
 * @throws GatewayError STORE_UNAVAILABLE
 */
export async function runShared<Row>(
  database: Database,
  query: RawBuilder<unknown>,
): Promise<readonly Row[]> {
  return runQuery<Row>(database, query).catch((error: unknown) => {
    if (error instanceof GatewayError) throw error;
    return [];
  });
}

/** Runs one statement that only reads. Throws the errors of `runQuery`. */
export function runRead<Row>({ reads }: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return run(reads, query, "A read ends after two seconds: narrow its filter, or try again later.");
}

/** Runs statements of a change in one transaction. Throws the errors of `runQuery`. */
export function inTransaction<Result>(
  database: Database,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  return explain(database.db.transaction().execute((db) => work({ ...database, db })));
}

async function run<Row>(db: Kysely<Tables>, query: RawBuilder<unknown>, ifSlow?: string): Promise<Row[]> {
  const { rows } = await explain(query.execute(db), ifSlow);
  return rows.map((row) => fromRow<Row>(row));
}

/** Returns a row with its columns' names in camel case, and without the columns that are null. */
export function fromRow<Row>(row: unknown): Row {
  const columns = Object.entries(row as object).filter(([, value]) => value !== null);
  return Object.fromEntries(columns.map(([name, value]) => [camelCase(name), value])) as Row;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function explain<Result>(work: Promise<Result>, ifSlow?: string): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof GatewayError || !isUnavailable(cause)) throw cause;
    // query_canceled, by statement_timeout.
    const isTimeout = (cause as { readonly code?: unknown }).code === "57014";
    throw new GatewayError("STORE_UNAVAILABLE", { hint: isTimeout ? ifSlow : undefined, cause });
  }
}
