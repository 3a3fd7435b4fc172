import { parseArgs } from "node:util";
import { migrate } from "../database/migrate.ts";
import { MIGRATIONS_DIR } from "../gateway/package-paths.ts";
import type { CommandIo } from "./command.ts";
import { findDatabase } from "./find-database.ts";

const USAGE = `Usage: npm run migrate

Brings the schema up to date, as a start of the gateway does where its database user may change the schema. Says which
migrations it ran, and on which database: that of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data).

Exit codes: 0 the schema is up to date, 2 it could not be brought there.`;

/** Brings the schema up to date, by a user that may change it. */
export async function migrateCommand({ args, env, stdout }: CommandIo): Promise<number> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: { help: { type: "boolean", short: "h" } },
  });
  if (flags.help) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  const place = await findDatabase(env);
  const database = await place.open({ make: true });
  try {
    const done = await migrate(database, MIGRATIONS_DIR);
    for (const name of done) stdout.write(`Applied ${name} to ${place.name}.\n`);
    if (done.length === 0) stdout.write(`Nothing to do: ${place.name} is up to date.\n`);
    return 0;
  } finally {
    await database.close();
  }
}
