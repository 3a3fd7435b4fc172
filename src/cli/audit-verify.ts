import { parseArgs } from "node:util";
import type { ChainPlace } from "../audit/chain.ts";
import { loadPublicKeys } from "../audit/checkpoint.ts";
import { atOneMoment } from "../audit/read-record.ts";
import type { ChainReport } from "../audit/verify-chain.ts";
import { describeReport } from "../audit/verify-chain.ts";
import { verifyDatabase } from "../audit/verify-database.ts";
import { verifyExport } from "../audit/verify-export.ts";
import { TextEncodingError, whyUnreadable } from "../utf8.ts";
import { type CommandIo, UsageError } from "./command.ts";
import { parseExpectedPlace } from "./expected-place.ts";
import { openDatabase } from "./open-database.ts";

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
