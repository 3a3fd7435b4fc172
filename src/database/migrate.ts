import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import { type Database, DatabaseError } from "./database.ts";

/** What stands between two statements of a migration; drivers take one statement at a time. */
const SEPARATOR = /^-->$/m;

/**
 * Brings the schema up to date by the files of `migrationsDir` (`NNNN_name.sql`), in order, forward only.
 * Replicas may do so at once: an advisory lock lets one through, and the others find nothing left to do.
 *
 * @returns the names of the migrations that were run now.
 * @throws DatabaseError naming the migration that failed; the schema stays as it was before it.
 */
export async function migrate(database: Database, migrationsDir: string): Promise<readonly string[]> {
  const migrator = new Migrator({ db: database.db, provider: new SqlFiles(migrationsDir) });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results.find(({ status }) => status === "Error")?.migrationName;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(`The migration ${failed ?? "of the database"} failed: ${reason}`, {
      cause: error,
    });
  }
  return results.map(({ migrationName }) => migrationName);
}

class SqlFiles implements MigrationProvider {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async getMigrations(): Promise<Record<string, Migration>> {
    const files = (await readdir(this.#dir)).filter((file) => file.endsWith(".sql")).sort();
    return Object.fromEntries(
      files.map((file) => [file.replace(/\.sql$/, ""), this.#migration(join(this.#dir, file))]),
    );
  }

  #migration(path: string): Migration {
    return {
      up: async (db) => {
        const text = await readFile(path, "utf8");
        for (const statement of text.split(SEPARATOR)) await sql.raw(statement).execute(db);
      },
    };
  }
}
