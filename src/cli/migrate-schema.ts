import type { Command } from "commander";
import { grantRights } from "../database/grant-rights.ts";
import { migrate } from "../database/migrate.ts";
import { GRANTS_FILE, MIGRATIONS_DIR } from "../gateway/package-paths.ts";
import type { CommandIo } from "./command.ts";
import { findDatabase } from "./find-database.ts";

/** Adds `migrate`, for a database user that may change the schema. */
export function addMigrate(program: Command, io: CommandIo): void {
  program
    .command("migrate")
    .description("Apply the migrations that the database lacks.")
    .option("--grant-to <role>", "give this database role the gateway's rights (schema/grants.sql)")
    .addHelpText(
      "after",
      `
The gateway does the same at its start if its database user may change the schema.
DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data) names the database.

Exit codes: 0 the schema is up to date, 2 a migration or a grant failed.`,
    )
    .action(async ({ grantTo }: { readonly grantTo?: string }) => {
      const place = await findDatabase(io.env);
      const database = await place.open({ make: true });
      try {
        const applied = await migrate(database, MIGRATIONS_DIR);
        for (const name of applied) io.stdout.write(`Applied ${name} to ${place.name}.\n`);
        if (applied.length === 0) io.stdout.write(`Nothing to do: ${place.name} is up to date.\n`);
        if (grantTo === undefined) return;
        await grantRights(database, GRANTS_FILE, grantTo);
        io.stdout.write(`Gave the role ${grantTo} its rights.\n`);
      } finally {
        await database.close();
      }
    });
}
