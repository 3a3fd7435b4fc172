import { readFile, stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type ChainPlace, placeShape, RECORD_CHAIN } from "../audit/chain.ts";
import { parseAnchors } from "../audit/chain-anchors.ts";
import { loadPublicKeys } from "../audit/checkpoint.ts";
import { atOneMoment } from "../audit/read-record.ts";
import { type ChainReport, describeReport } from "../audit/verify-chain.ts";
import { verifyDatabase } from "../audit/verify-database.ts";
import { readExportEnd, verifyExport } from "../audit/verify-export.ts";
import { TextEncodingError, utf8Text, whyUnreadable } from "../utf8.ts";
import { type CommandIo, UsageError } from "./command.ts";
import { openDatabase } from "./find-database.ts";

const USAGE = `Usage: npm run audit:verify -- --database [--public-key FILE] [--expect PLACE]...
       npm run audit:verify -- --file FILE [--public-key FILE] [--expect PLACE]...

Says whether the record of changes is as it was written, and if not, which record is the first that is not.

  --database         the one of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data)
  --file FILE        an export; no database is needed
  --public-key FILE  the keys whose signatures count, in PEM
  --expect PLACE     a place that the record has to contain: SEQ:HASH, as the gateway's log (record.signed) and an
                     earlier verification say it, or a file: an earlier export, or an anchor file

Exit codes: 0 as it was written, 1 not, 2 could not be read.`;

/** Verifies the record in the database or in an exported file. */
export async function auditVerify({ args, env, stdout }: CommandIo): Promise<number> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      database: { type: "boolean" },
      file: { type: "string" },
      "public-key": { type: "string" },
      expect: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", short: "h" },
    },
  });
  if (flags.help) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  const { file, "public-key": keyFile } = flags;
  if ((file !== undefined) === (flags.database === true))
    throw new UsageError("Say --database or --file FILE.");
  const trustedKeys = keyFile === undefined ? undefined : await loadPublicKeys(keyFile);
  const expected = await Promise.all(flags.expect.map(parseExpectedPlace));
  const known = { trustedKeys, expected };
  const report = file === undefined ? await ofDatabase(env, known) : await ofFile(file, known);
  const isKeyGiven = trustedKeys !== undefined;
  stdout.write(`${describeReport(report, { isKeyGiven, expected }).join("\n")}\n`);
  return report.problem === undefined ? 0 : 1;
}

/** What is known from outside the record. */
interface Known {
  readonly trustedKeys: readonly string[] | undefined;
  readonly expected: readonly ChainPlace[];
}

async function ofDatabase(env: CommandIo["env"], { trustedKeys, expected }: Known): Promise<ChainReport> {
  const database = await openDatabase(env, { make: false });
  try {
    return await database.unhurried((db) =>
      atOneMoment(db, (moment) => verifyDatabase(moment, trustedKeys, expected)),
    );
  } finally {
    await database.close();
  }
}

async function ofFile(file: string, known: Known): Promise<ChainReport> {
  try {
    return await verifyExport({ file, ...known });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof TextEncodingError)) throw error;
    throw new UsageError(`${file} ${whyUnreadable(error)}.`);
  }
}

/** Anchor files are far smaller. */
const MAX_ANCHOR_BYTES = 1_000_000;

/**
 * A place that the record has to contain, from `SEQ:HASH`, from an earlier export (its end), or from an anchor file.
 * @throws UsageError
 */
async function parseExpectedPlace(text: string): Promise<ChainPlace> {
  const [, seq, hash = ""] = /^(\d+):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (seq !== undefined) {
    const place = placeShape.safeParse({ seq: Number(seq), hash: hash.toLowerCase() });
    if (place.success) return place.data;
    throw new UsageError(`--expect ${text}: ${seq} is not the number of a record.`);
  }
  const place = await placeIn(text).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(
      `--expect takes SEQ:HASH with all 64 digits of the hash, or a file. ${text} cannot be read as one (${cause.code}).`,
    );
  });
  if (place !== undefined) return place;
  throw new UsageError(
    `--expect ${text}: the file is neither a whole export nor an anchor file with a place.`,
  );
}

async function placeIn(file: string): Promise<ChainPlace | undefined> {
  const { size } = await stat(file);
  const anchors = size <= MAX_ANCHOR_BYTES ? parseAnchors(utf8Text(await readFile(file)) ?? "") : undefined;
  return anchors === undefined ? await readExportEnd(file) : anchors.get(RECORD_CHAIN);
}
