import type { StoreSettings } from "../config/record-settings.ts";
import type { Database } from "../database/database.ts";
import type { UrlSource } from "../database/database-address.ts";
import { readUrlFile } from "../database/database-address.ts";
import { migrate } from "../database/migrate.ts";
import { openPglite } from "../database/pglite-database.ts";
import { openPostgres } from "../database/postgres-database.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "./package-paths.ts";

/**
 * Opens the configured store and brings its schema up to date. `onBroken` hears of connections that break while nobody
 * uses them, and of a built-in database that stopped; both are replaced.
 *
 * @throws DatabaseError
 */
export async function openStore(target: StoreSettings, onBroken: (error: Error) => void): Promise<Database> {
  const database =
    target.kind === "pglite"
      ? await openPglite({ dataDir: target.dataDir, templateDir: PGLITE_TEMPLATE_DIR, onBroken })
      : await openPostgres({
          url: urlOf(target),
          maxConnections: target.maxConnections,
          onIdleError: onBroken,
        });
  try {
    await migrate(database, MIGRATIONS_DIR);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function urlOf({ url }: Extract<StoreSettings, { kind: "postgres" }>): UrlSource {
  return "value" in url ? url.value.reveal() : () => readUrlFile(url.file);
}
