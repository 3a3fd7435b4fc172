import type { Command } from "commander";
import { grantRights } from "../database/grant-rights.ts";
import { migrate } from "../database/migrate.ts";
import { GRANTS_FILE, MIGRATIONS_DIR } from "../gateway/package-paths.ts";
import type { CommandIo } from "./command.ts";
import { findDatabase } from "./find-database.ts";
import { type Outcome, printsOutcome } from "./outcome.ts";

interface MigrateOptions {
  readonly grantTo?: string;
}

/** Adds `migrate`, for a database user that may change the schema. */
export function addMigrate(program: Command, io: CommandIo): void {
  const command = program
    .command("migrate")
    .description("Apply the migrations that the database lacks.")
    .option("--grant-to <role>", "give this database role the gateway's rights (schema/grants.sql)")
    .addHelpText(
      "after",
      `
The gateway does the same at its start if its database user may change the schema.
DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data) names the database.`,
    );
  printsOutcome(command, io, (options: MigrateOptions) => migrateSchema(options, io));
}

async function migrateSchema({ grantTo }: MigrateOptions, { env }: CommandIo): Promise<Outcome> {
  const place = await findDatabase(env);
  const database = await place.open({ make: true });
  try {
    const applied = await migrate(database, MIGRATIONS_DIR);
    if (grantTo !== undefined) await grantRights(database, GRANTS_FILE, grantTo);
    return {
      lines: [
        ...applied.map((name) => `Applied ${name} to ${place.name}.`),
        ...(applied.length === 0 ? [`Nothing to do: ${place.name} is up to date.`] : []),
        ...(grantTo === undefined ? [] : [`Gave the role ${grantTo} its rights.`]),
      ],
      result: { database: place.name, applied, grantedTo: grantTo ?? null },
    };
  } finally {
    await database.close();
  }
}
