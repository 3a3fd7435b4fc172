import { migrate } from "../database/migrate.ts";
import { MIGRATIONS_DIR } from "../package-paths.ts";
import type { CommandIo } from "./command.ts";
import { openDatabase } from "./open-database.ts";

/** Brings the schema up to date, as a start of the gateway does, by a user that may change it. */
export async function migrateCommand({ env, stdout }: CommandIo): Promise<number> {
  const database = await openDatabase(env, { make: true });
  try {
    const done = await migrate(database, MIGRATIONS_DIR);
    for (const name of done) stdout.write(`Applied ${name}.\n`);
    stdout.write("The database is up to date.\n");
    return 0;
  } finally {
    await database.close();
  }
}
