import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError } from "commander";
import { AuditEvents } from "../audit/audit-events.ts";
import { type ExportSelection, exportRecord, UnknownCheckpointError } from "../audit/export-record.ts";
import { atOneMoment } from "../audit/read-record.ts";
import type { Database } from "../database/database.ts";
import { CommandError, type CommandIo, EX_CANNOT } from "./command.ts";
import { openDatabase } from "./find-database.ts";

interface ExportOptions {
  readonly out?: string;
  readonly since: number;
  readonly account?: string;
  readonly opUin?: string;
  readonly change?: string;
}

/** Adds `audit export`. */
export function addAuditExport(audit: Command, io: CommandIo): void {
  audit
    .command("export")
    .description(
      "Export the sealed record as JSON lines that `audit verify --file` verifies without a database.",
    )
    .option("--out <file>", "write to this new file instead of standard output")
    .option("--since <number>", "export only what came after this checkpoint", parseSince, 0)
    .option("--account <name>", "show only records of this account, and of the others their digests")
    .option("--op-uin <uin>", "show only records of this user, and of the others their digests")
    .option("--change <id>", "show only this change, and of the other records their digests")
    .addHelpText(
      "after",
      `
DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data) names the database.
To write to standard output through npm: npm run --silent audit:export > FILE

Exit codes: 0 exported, 2 the record cannot be read or the file cannot be written.`,
    )
    .action(async ({ out, ...options }: ExportOptions) => {
      const selection = { since: options.since, shows: filterOf(options) };
      const database = await openDatabase(io.env, { make: false });
      try {
        if (out === undefined) await toStream(database, selection, io);
        else await toFile(database, selection, out, io);
        await recordExport(database, options, io);
      } catch (error) {
        if (error instanceof UnknownCheckpointError) throw new CommandError(error.message);
        throw error;
      } finally {
        await database.close();
      }
    });
}

/** Returns the test of the records to show, or undefined without a filter. */
function filterOf({ account, opUin, change }: ExportOptions): ExportSelection["shows"] {
  if ([account, opUin, change].every((value) => value === undefined)) return undefined;
  return ({ content }) => {
    const record = JSON.parse(content) as { readonly [name: string]: unknown };
    const matches = (name: string, wanted: string | undefined) =>
      wanted === undefined || record[name] === wanted;
    return matches("account", account) && matches("opUin", opUin) && matches("id", change);
  };
}

/** Seals the export as an event. A role that only reads cannot, and may export all the same. */
async function recordExport(
  database: Database,
  options: Omit<ExportOptions, "out">,
  io: CommandIo,
): Promise<void> {
  await new AuditEvents(database).record([{ kind: "export", details: { ...options } }]).catch(() => {
    io.stderr.write("This export is not on record: the database role may not run record_events.\n");
  });
}

function parseSince(text: string): number {
  const since = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(since)) {
    throw new InvalidArgumentError("Give the number of a checkpoint.");
  }
  return since;
}

function write(
  database: Database,
  selection: ExportSelection,
  to: NodeJS.WritableStream,
  options = { end: true },
): Promise<void> {
  return database.unhurried((db) =>
    atOneMoment(db, (moment) => pipeline(exportRecord(moment, selection), to, options)),
  );
}

async function toStream(database: Database, selection: ExportSelection, io: CommandIo): Promise<void> {
  try {
    await write(database, selection, io.stdout, { end: false });
  } catch (error) {
    // The reader closed the pipe, as `head` does.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    io.exitCode = EX_CANNOT;
  }
}

async function toFile(
  database: Database,
  selection: ExportSelection,
  file: string,
  { stdout }: CommandIo,
): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "EEXIST" ? "exists, and is not overwritten" : `cannot be written (${error.code})`;
    throw new CommandError(`${file} ${reason}.`);
  });
  try {
    await write(database, selection, handle.createWriteStream());
    stdout.write(`Written to ${file}.\n`);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
