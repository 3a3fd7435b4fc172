import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Kysely } from "kysely";
import { AuditEvents } from "../audit/audit-events.ts";
import { type ExportSelection, exportRecord, UnknownCheckpointError } from "../audit/export-record.ts";
import { atOneMoment } from "../audit/read-record.ts";
import { exportCsv, exportJsonLines } from "../audit/readable-export.ts";
import type { Database, Tables } from "../database/database.ts";
import { CommandError, type CommandIo, EX_CANNOT, isReadToEnd, parseTime, writeNewFile } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { openDatabase } from "./find-database.ts";

const FORMATS = ["verifiable", "csv", "jsonl"] as const;

interface ExportOptions {
  readonly format: (typeof FORMATS)[number];
  readonly out?: string;
  readonly since: number;
  readonly from?: Date;
  readonly until?: Date;
  readonly account?: string;
  readonly opUin?: string;
  readonly change?: string;
  readonly json?: boolean;
}

/** Adds `audit export`. */
export function addAuditExport(audit: Command, io: CommandIo): void {
  const command = audit
    .command("export")
    .description(
      "Export the record: as JSON lines that `audit verify --file` verifies without a database, or for people.",
    )
    .addOption(
      new Option("--format <format>", "csv and jsonl are for people: one row for each change and event")
        .choices(FORMATS)
        .default("verifiable"),
    )
    .option("--out <file>", "write to this new file instead of standard output")
    .option(
      "--since <number>",
      "verifiable: export only the records after the checkpoint of this number",
      parseSince,
      0,
    )
    .option(
      "--from <time>",
      "csv, jsonl: only changes requested and events at or after this date (UTC) or time",
      parseTime,
    )
    .option(
      "--until <time>",
      "csv, jsonl: only changes requested and events before this date (UTC) or time",
      parseTime,
    )
    .option(
      "--account <name>",
      "verifiable: show the content of records of this account alone; csv, jsonl: only these",
    )
    .option("--op-uin <uin>", "show only records of this user")
    .option("--change <id>", "show only this change")
    .addHelpText(
      "after",
      `
A verifiable export has the digests of the records that it does not show.
DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data) names the database.
To write to standard output through npm: npm run --silent audit:export > FILE`,
    );
  printsResult(command, io, async (options: ExportOptions) => {
    requireSense(options);
    const database = await openDatabase(io.env, { make: false });
    try {
      const outcome = await write(database, options, io);
      await recordExport(database, options, io);
      return outcome;
    } catch (error) {
      if (error instanceof UnknownCheckpointError) throw new CommandError(error.message);
      throw error;
    } finally {
      await database.close();
    }
  });
}

function requireSense({ format, out, since, from, until, json }: ExportOptions): void {
  if (json === true && out === undefined) {
    throw new CommandError("--json needs --out FILE: without it, standard output has the export.");
  }
  if (format !== "verifiable" && since > 0) throw new CommandError("--since needs the verifiable format.");
  if (format === "verifiable" && (from ?? until) !== undefined) {
    throw new CommandError("--from and --until need --format csv or jsonl.");
  }
}

/** Returns the lines or bytes of the export. */
function contentOf(db: Kysely<Tables>, options: ExportOptions): AsyncIterable<string> {
  const { format, since, change: id, ...filter } = options;
  if (format === "csv") return exportCsv(db, { ...filter, id });
  if (format === "jsonl") return exportJsonLines(db, { ...filter, id });
  return exportRecord(db, { since, shows: filterOf(options) });
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
  { out: _, json: __, ...details }: ExportOptions,
  io: CommandIo,
): Promise<void> {
  await new AuditEvents(database).record([{ kind: "export", details }]).catch(() => {
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

function write(database: Database, options: ExportOptions, io: CommandIo): Promise<CommandResult> {
  const writeTo = (to: NodeJS.WritableStream, end: boolean) =>
    database.withoutTimeLimit((db) =>
      atOneMoment(db, (moment) => pipeline(contentOf(moment, options), to, { end })),
    );
  const { out, format } = options;
  return out === undefined ? toStream(writeTo, io) : toFile(writeTo, out, format);
}

type WriteTo = (to: NodeJS.WritableStream, end: boolean) => Promise<void>;

async function toStream(writeTo: WriteTo, io: CommandIo): Promise<CommandResult> {
  const exitCode = (await isReadToEnd(writeTo(io.stdout, false))) ? 0 : EX_CANNOT;
  return { exitCode, lines: [], result: {} };
}

async function toFile(
  writeTo: WriteTo,
  file: string,
  format: ExportOptions["format"],
): Promise<CommandResult> {
  await writeNewFile(file, (to) => writeTo(to, true));
  return { lines: [`Written to ${file}.`], result: { file, format } };
}
