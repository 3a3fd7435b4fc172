import { access } from "node:fs/promises";
import { join } from "node:path";
import { type Database, DatabaseError } from "../database/database.ts";
import { checkUrl, readUrlFile } from "../database/database-address.ts";
import { openPglite } from "../database/pglite-database.ts";
import { openPostgres } from "../database/postgres-database.ts";
import { PGLITE_TEMPLATE_DIR } from "../gateway/package-paths.ts";
import type { CommandIo } from "./command.ts";

type Environment = CommandIo["env"];

/** The place of the record, with a name for people. */
interface DatabasePlace {
  /** `user@host:5432/name`, without the password, or the folder. */
  readonly name: string;
  /**
   * @param options.make creates a missing data folder.
   * @throws DatabaseError
   */
  open(options: { make: boolean }): Promise<Database>;
}

/** Returns the database of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR. Does not migrate it. @throws DatabaseError */
export async function findDatabase(env: Environment): Promise<DatabasePlace> {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file, DATA_DIR: dataDir } = withoutEmpty(env);
  if ([url, file, dataDir].filter((value) => value !== undefined).length > 1) {
    throw new DatabaseError("Set only one of DATABASE_URL, DATABASE_URL_FILE and DATA_DIR.");
  }
  if (url !== undefined) return placeOf(url);
  if (file !== undefined) return placeOf(await readUrlFile(file));
  const folder = dataDir ?? ".data";
  return { name: `the folder ${folder}`, open: ({ make }) => openFolder(folder, make) };
}

/** Opens that database. @throws DatabaseError */
export async function openDatabase(env: Environment, options: { make: boolean }): Promise<Database> {
  return (await findDatabase(env)).open(options);
}

function placeOf(url: string): DatabasePlace {
  checkUrl(url);
  const { username, host, pathname } = new URL(url);
  const user = username === "" ? "" : `${username}@`;
  return { name: `${user}${host}${pathname}`, open: () => openPostgres({ url }) };
}

async function openFolder(dataDir: string, make: boolean): Promise<Database> {
  if (!make) {
    await access(join(dataDir, "pglite")).catch(() => {
      throw new DatabaseError(
        `The folder ${dataDir} has no database. Set DATABASE_URL, or DATA_DIR to another folder.`,
      );
    });
  }
  return openPglite({ dataDir, templateDir: PGLITE_TEMPLATE_DIR });
}

/** An empty variable counts as not set, as for the gateway itself. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}
