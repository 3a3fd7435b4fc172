/**
 * A program that makes a migrated PGlite database in the folder that it is given. Its own process, because the
 * memory of WebAssembly is only given back by an end.
 */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { migrate } from "../../src/database/migrate.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "../../src/gateway/package-paths.ts";

const [, , target = ""] = process.argv;
const dataDir = `${target}.data`;
const database = await openPglite({ dataDir, templateDir: PGLITE_TEMPLATE_DIR });
await migrate(database, MIGRATIONS_DIR);
await database.close();
await rename(join(dataDir, "pglite"), target);
