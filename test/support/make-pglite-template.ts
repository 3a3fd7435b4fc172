/**
 * Creates a migrated PGlite database in the given folder. A separate process, because only its exit frees the memory of
 * WebAssembly.
 */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { migrate } from "../../src/database/migrate.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "../../src/gateway/package-paths.ts";
import { migrateJobs } from "../../src/jobs/job-queue.ts";

const [, , target = ""] = process.argv;
const dataDir = `${target}.data`;
const database = await openPglite({ dataDir, templateDir: PGLITE_TEMPLATE_DIR });
await migrate(database, MIGRATIONS_DIR);
await migrateJobs(database.jobs);
await database.close();
await rename(join(dataDir, "pglite"), target);
