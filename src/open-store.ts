import { readFile } from "node:fs/promises";
import type { StoreTarget } from "./config/store-target.ts";
import { type Database, DatabaseError } from "./database/database.ts";
import { migrate } from "./database/migrate.ts";
import { openPglite } from "./database/pglite-database.ts";
import { openPostgres } from "./database/postgres-database.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "./package-paths.ts";

/** Opens the configured store and brings its schema up to date. @throws DatabaseError */
export async function openStore(target: StoreTarget, onIdleError: (error: Error) => void): Promise<Database> {
  const database =
    target.kind === "pglite"
      ? await openPglite({ dataDir: target.dataDir, templateDir: PGLITE_TEMPLATE_DIR })
      : await openPostgres({ url: await readUrl(target.url), onIdleError });
  try {
    await migrate(database, MIGRATIONS_DIR);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function readUrl(url: Extract<StoreTarget, { kind: "postgres" }>["url"]): Promise<string> {
  if ("value" in url) return url.value.reveal();
  try {
    return (await readFile(url.file, "utf8")).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DatabaseError(`The file of DATABASE_URL_FILE, ${url.file}, cannot be read (${code}).`, {
      cause,
    });
  }
}
