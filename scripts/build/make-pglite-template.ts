/**
 * Creates the template of new data folders in the given folder: a PGlite database with every table and no data. This takes
 * about ten seconds and half a gigabyte of memory, so it runs at build time and not at the first start.
 */
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { sql } from "kysely";
import { migrate } from "../../src/database/migrate.ts";
import { compileQuickly, openPglite } from "../../src/database/pglite-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { migrateJobs } from "../../src/jobs/job-queue.ts";

const [, , target = ""] = process.argv;
const dataDir = `${target}.data`;
await rm(dataDir, { recursive: true, force: true });
await mkdir(dataDir);
compileQuickly();
const created = await PGlite.create(join(dataDir, "pglite"), {
  // Segments of the log are 16 MB otherwise, and there is always one.
  initDbStartParams: ["--wal-segsize=1"],
  startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=8MB", "-c", "min_wal_size=2MB"],
});
await created.close();
const database = await openPglite({ dataDir, templateDir: target });
await migrate(database, MIGRATIONS_DIR);
await migrateJobs(database.jobs);
// Discards the log of the creation.
await sql`checkpoint`.execute(database.db);
await database.close();
await rename(join(dataDir, "pglite"), target);
await rm(dataDir, { recursive: true });
// PGlite creates a file that only its owner can read, and the gateway may run as another user than the build.
for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
  if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o644);
}
