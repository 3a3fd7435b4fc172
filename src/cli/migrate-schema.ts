import type { Command } from "commander";
import { type Database, DatabaseError } from "../database/database.ts";
import { grantRights, migrate } from "../database/migrate.ts";
import { GRANTS_FILE, MIGRATIONS_DIR } from "../gateway/package-paths.ts";
import { migrateJobs } from "../jobs/job-queue.ts";
import type { CommandIo } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { findDatabase } from "./find-database.ts";

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
  printsResult(command, io, (options: MigrateOptions) => migrateSchema(options, io));
}

async function migrateSchema({ grantTo }: MigrateOptions, { env }: CommandIo): Promise<CommandResult> {
  const place = await findDatabase(env);
  const database = await place.open({ make: true });
  try {
    const applied = await migrate(database, MIGRATIONS_DIR);
    await createJobs(database);
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

/** Creates the tables of background jobs. @throws DatabaseError */
async function createJobs({ jobs }: Database): Promise<void> {
  try {
    await migrateJobs(jobs);
  } catch (cause) {
    throw new DatabaseError(
      `The schema ${jobs.schema} of background jobs cannot be created: ${(cause as Error).message}. The owner of the ` +
        "gateway's schema needs the right to create schemas in the database.",
      { cause },
    );
  }
}
