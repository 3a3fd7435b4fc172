import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../src/database/database.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "../../src/gateway/package-paths.ts";
import { startPostgres } from "../../test/support/start-postgres.ts";

/** Opens a new database with all migrations. `parts` closes it. */
export async function openStore(kind: Database["kind"], parts: AsyncDisposableStack): Promise<Database> {
  if (kind === "postgres") {
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const database = await openPostgres({ url: postgres.url });
    parts.defer(() => database.close());
    await migrate(database, MIGRATIONS_DIR);
    return database;
  }
  const dataDir = await mkdtemp(join(tmpdir(), "directory-bench-"));
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = await openPglite({ dataDir: join(dataDir, "data"), templateDir: PGLITE_TEMPLATE_DIR });
  parts.defer(() => database.close());
  await migrate(database, MIGRATIONS_DIR);
  return database;
}
