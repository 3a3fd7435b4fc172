import { readFile } from "node:fs/promises";
import { sql } from "kysely";
import { type Database, DatabaseError } from "./database.ts";
import { statementsOf } from "./migrate.ts";

/** The role and the schema of background jobs in the file of grants, in the syntax of psql's variables. */
const VARIABLE = /:"(role|jobs)"/g;

/**
 * Gives a role the rights of the gateway's role, all or none. Giving them again changes nothing.
 *
 * @throws DatabaseError that names the role and the reason.
 */
export async function grantRights(database: Database, grantsFile: string, role: string): Promise<void> {
  const text = await readFile(grantsFile, "utf8");
  const values = { role, jobs: database.jobs.schema };
  const quoted = (name: keyof typeof values) => `"${values[name].replaceAll('"', '""')}"`;
  try {
    await database.withoutTimeLimit((db) =>
      db.transaction().execute(async (trx) => {
        for (const statement of statementsOf(text)) {
          await sql
            .raw(statement.replaceAll(VARIABLE, (_, name) => quoted(name as keyof typeof values)))
            .execute(trx);
        }
      }),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseError(`The role ${role} did not get its rights: ${reason}.`, { cause });
  }
}
