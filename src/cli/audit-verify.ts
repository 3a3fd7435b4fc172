import { parseArgs } from "node:util";
import { describeReport } from "../audit/describe-report.ts";
import { atOneMoment } from "../audit/read-record.ts";
import { loadPublicKeys } from "../audit/signing-key.ts";
import type { ChainReport } from "../audit/verify-chain.ts";
import { verifyDatabase } from "../audit/verify-database.ts";
import { verifyExport } from "../audit/verify-export.ts";
import { type CommandIo, UsageError } from "./command.ts";
import { openDatabase } from "./open-database.ts";

const USAGE = `Usage: npm run audit:verify -- --database [--public-key FILE]
       npm run audit:verify -- --file FILE [--public-key FILE]

Says whether the record of changes is as it was written, and if not, which record is the first that is not.

  --database         the one of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data)
  --file FILE        an export; no database is needed
  --public-key FILE  the keys whose signatures count, in PEM

Exit codes: 0 as it was written, 1 not, 2 could not be read.`;

/** Verifies the record in the database or in an exported file. */
export async function auditVerify({ args, env, stdout }: CommandIo): Promise<number> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      database: { type: "boolean" },
      file: { type: "string" },
      "public-key": { type: "string" },
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
  const report = file === undefined ? await ofDatabase(env, trustedKeys) : await ofFile(file, trustedKeys);
  stdout.write(`${describeReport(report, trustedKeys !== undefined).join("\n")}\n`);
  return report.problem === undefined ? 0 : 1;
}

async function ofDatabase(
  env: CommandIo["env"],
  trustedKeys: readonly string[] | undefined,
): Promise<ChainReport> {
  const database = await openDatabase(env, { make: false });
  try {
    return await database.unhurried((db) => atOneMoment(db, (moment) => verifyDatabase(moment, trustedKeys)));
  } finally {
    await database.close();
  }
}

async function ofFile(file: string, trustedKeys: readonly string[] | undefined): Promise<ChainReport> {
  try {
    return await verifyExport({ file, trustedKeys });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`${file} cannot be read (${code}).`);
  }
}
