import { readFile } from "node:fs/promises";
import { sql } from "kysely";
import { type Database, DatabaseError } from "./database.ts";
import { statementsOf } from "./migrate.ts";

/** The role in the file of grants, in the syntax of psql's variables. */
const ROLE = ':"role"';

/**
 * Gives a role the rights of the gateway's role, all or none. Giving them again changes nothing.
 *
 * @throws DatabaseError that names the role and the reason.
 */
export async function grantRights(database: Database, grantsFile: string, role: string): Promise<void> {
  const text = await readFile(grantsFile, "utf8");
  const quoted = `"${role.replaceAll('"', '""')}"`;
  try {
    await database.unhurried((db) =>
      db.transaction().execute(async (trx) => {
        for (const statement of statementsOf(text)) {
          await sql.raw(statement.replaceAll(ROLE, () => quoted)).execute(trx);
        }
      }),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseError(`The role ${role} did not get its rights: ${reason}.`, { cause });
  }
}
