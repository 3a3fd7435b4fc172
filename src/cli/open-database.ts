import { access } from "node:fs/promises";
import { join } from "node:path";
import { type Database, DatabaseError } from "../database/database.ts";
import { openPglite } from "../database/pglite-database.ts";
import { openPostgres } from "../database/postgres-database.ts";
import { readUrlFile } from "../database/read-url-file.ts";
import { PGLITE_TEMPLATE_DIR } from "../package-paths.ts";
import type { CommandIo } from "./command.ts";

type Environment = CommandIo["env"];

/**
 * Opens the database of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR, as it is.
 * @param options.make makes a data folder that is not there yet.
 * @throws DatabaseError
 */
export async function openDatabase(env: Environment, options: { make: boolean }): Promise<Database> {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file, DATA_DIR: dataDir } = withoutEmpty(env);
  if ([url, file, dataDir].filter((value) => value !== undefined).length > 1) {
    throw new DatabaseError("Set only one of DATABASE_URL, DATABASE_URL_FILE and DATA_DIR.");
  }
  if (url !== undefined) return openPostgres({ url });
  if (file !== undefined) return openPostgres({ url: await readUrlFile(file) });
  return openFolder(dataDir ?? ".data", options.make);
}

async function openFolder(dataDir: string, make: boolean): Promise<Database> {
  if (!make) {
    await access(join(dataDir, "pglite")).catch(() => {
      throw new DatabaseError(
        `There is no database in ${dataDir}. Set DATABASE_URL, or DATA_DIR to another folder.`,
      );
    });
  }
  return openPglite({ dataDir, templateDir: PGLITE_TEMPLATE_DIR });
}

/** An empty variable is an unset one, as for the gateway itself. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}
