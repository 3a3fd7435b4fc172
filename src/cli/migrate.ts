import { migrate } from "../database/migrate.ts";
import { MIGRATIONS_DIR } from "../package-paths.ts";
import { openDatabase } from "./open-database.ts";
import { runProgram } from "./run-program.ts";

/** Brings the schema up to date, as a start of the gateway does, by a user that may change it. */
await runProgram(async () => {
  const database = await openDatabase(process.env, { make: true });
  try {
    const done = await migrate(database, MIGRATIONS_DIR);
    for (const name of done) console.log(`Applied ${name}.`);
    console.log("The database is up to date.");
    return 0;
  } finally {
    await database.close();
  }
});
