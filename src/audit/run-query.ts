import type { RawBuilder } from "kysely";
import { GatewayError } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { isUnavailable } from "../database/is-unavailable.ts";

/**
 * Runs one statement.
 *
 * @throws GatewayError STORE_UNAVAILABLE, with the driver's error as its cause, where the store does not do its work
 *   now. A mistake of ours in a statement or a value is thrown as the driver's error.
 */
export async function runQuery<Row>(database: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  try {
    const { rows } = await query.execute(database.db);
    return rows as Row[];
  } catch (error) {
    if (isUnavailable(error)) throw new GatewayError("STORE_UNAVAILABLE", { cause: error });
    throw error;
  }
}
