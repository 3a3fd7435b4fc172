import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError } from "commander";
import { exportRecord } from "../audit/export-record.ts";
import { atOneMoment } from "../audit/read-record.ts";
import type { Database } from "../database/database.ts";
import { CommandError, type CommandIo, EX_CANNOT } from "./command.ts";
import { openDatabase } from "./find-database.ts";

interface ExportOptions {
  readonly out?: string;
  readonly since: number;
}

/** Adds `audit export`. */
export function addAuditExport(audit: Command, io: CommandIo): void {
  audit
    .command("export")
    .description(
      "Export the sealed record of changes as JSON lines. The last line holds the end of the hash chain.",
    )
    .option("--out <file>", "write to this new file instead of standard output")
    .option("--since <seq>", "export only the records after this one", parseSince, 0)
    .addHelpText(
      "after",
      `
DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data) names the database.
To write to standard output through npm: npm run --silent audit:export > FILE

Exit codes: 0 exported, 2 the record cannot be read or the file cannot be written.`,
    )
    .action(async ({ out, since }: ExportOptions) => {
      const database = await openDatabase(io.env, { make: false });
      try {
        if (out === undefined) await toStream(database, since, io);
        else await toFile(database, since, out, io);
      } finally {
        await database.close();
      }
    });
}

function parseSince(text: string): number {
  const since = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(since)) {
    throw new InvalidArgumentError("Give the number of a record.");
  }
  return since;
}

function write(
  database: Database,
  since: number,
  to: NodeJS.WritableStream,
  options = { end: true },
): Promise<void> {
  return database.unhurried((db) =>
    atOneMoment(db, (moment) => pipeline(exportRecord(moment, since), to, options)),
  );
}

async function toStream(database: Database, since: number, io: CommandIo): Promise<void> {
  try {
    await write(database, since, io.stdout, { end: false });
  } catch (error) {
    // The reader closed the pipe, as `head` does.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    io.exitCode = EX_CANNOT;
  }
}

async function toFile(database: Database, since: number, file: string, { stdout }: CommandIo): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "EEXIST" ? "exists, and is not overwritten" : `cannot be written (${error.code})`;
    throw new CommandError(`${file} ${reason}.`);
  });
  try {
    await write(database, since, handle.createWriteStream());
    stdout.write(`Written to ${file}.\n`);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
