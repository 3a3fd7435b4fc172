import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { exportRecord } from "../audit/export-record.ts";
import { atOneMoment } from "../audit/read-record.ts";
import type { Database } from "../database/database.ts";
import { type CommandIo, EX_CANNOT, UsageError } from "./command.ts";
import { openDatabase } from "./find-database.ts";

const USAGE = `Usage: npm run audit:export -- --out FILE [--since SEQ]
       npm run --silent audit:export [-- --since SEQ] > FILE

Writes the sealed record of changes, one JSON text a line, and where its chain ends as the last line. The database
is that of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data).

  --out FILE   write there instead of standard output; a file that is there is not overwritten
  --since SEQ  leave out the records up to this one

Exit codes: 0 written, 2 could not be read or written.`;

/** Exports the sealed record. */
export async function auditExport({ args, env, stdout }: CommandIo): Promise<number> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: { out: { type: "string" }, since: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (flags.help) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  const since = parseSince(flags.since);
  const database = await openDatabase(env, { make: false });
  try {
    return flags.out === undefined
      ? await toStream(database, since, stdout)
      : await toFile(database, since, flags.out, stdout);
  } finally {
    await database.close();
  }
}

function parseSince(text = "0"): number {
  const since = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(since)) {
    throw new UsageError(`--since takes the number of a record, and not ${text}.`);
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

async function toStream(database: Database, since: number, stdout: NodeJS.WritableStream): Promise<number> {
  try {
    await write(database, since, stdout, { end: false });
    return 0;
  } catch (error) {
    // Whoever reads has read enough, as `head` does.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return EX_CANNOT;
    throw error;
  }
}

async function toFile(
  database: Database,
  since: number,
  file: string,
  stdout: NodeJS.WritableStream,
): Promise<number> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "EEXIST"
        ? "is there already, and is not overwritten"
        : `cannot be written (${error.code})`;
    throw new UsageError(`${file} ${reason}.`);
  });
  try {
    await write(database, since, handle.createWriteStream());
    stdout.write(`Written to ${file}.\n`);
    return 0;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
