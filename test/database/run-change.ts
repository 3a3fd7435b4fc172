/** A program that opens the PGlite of a data folder, begins a change, prints its id, and waits to be killed. */
import { ChangeStore } from "../../src/audit/change-store.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { FRESH, intentOf } from "../audit/intent-of.ts";

const [, , dataDir = "", templateDir = ""] = process.argv;
try {
  const database = await openPglite({ dataDir, templateDir });
  await migrate(database, MIGRATIONS_DIR);
  const { id } = await new ChangeStore({ database, replica: "killed" }).begin(intentOf(), FRESH);
  process.stdin.resume();
  process.stdout.write(`${id}\n`);
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
  process.exit(1);
}
