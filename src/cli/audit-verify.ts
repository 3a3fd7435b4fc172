import type { Command } from "commander";
import { describeReport } from "../audit/describe-report.ts";
import { atOneMoment } from "../audit/read-record.ts";
import { loadPublicKeys } from "../audit/signing-keys.ts";
import { verifyDatabase } from "../audit/verify-database.ts";
import type { RecordReport } from "../audit/verify-record.ts";
import { CommandError, type CommandIo, collect } from "./command.ts";
import { openDatabase } from "./find-database.ts";
import { type Outcome, printsOutcome } from "./outcome.ts";
import { type Known, parseExpectedPlaces, verifyFile } from "./record-files.ts";

interface VerifyOptions {
  readonly database?: boolean;
  readonly file?: string;
  readonly publicKey?: string;
  readonly expect?: readonly string[];
}

/** Adds `audit verify`. */
export function addAuditVerify(audit: Command, io: CommandIo): void {
  const command = audit
    .command("verify")
    .description(
      "Verify the hash chain and the signatures of the record of changes. Names the first bad record.",
    )
    .option(
      "--database",
      "verify the database of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data)",
    )
    .option("--file <file>", "verify an export, without a database")
    .option("--public-key <file>", "accept only signatures by the public keys in this PEM file")
    .option(
      "--expect <place>",
      "require that the record contains this place: CHAIN:SEQ:HASH from the gateway's log (record.signed) or from an " +
        "earlier verification, an earlier export, or an anchor file. May be given several times.",
      collect,
    );
  printsOutcome(command, io, (options: VerifyOptions) => verify(options, io));
}

async function verify(
  { database, file, publicKey, expect = [] }: VerifyOptions,
  io: CommandIo,
): Promise<Outcome> {
  if ((file !== undefined) === (database === true)) throw new CommandError("Give --database or --file FILE.");
  const trustedKeys = publicKey === undefined ? undefined : await loadPublicKeys(publicKey);
  const expected = await parseExpectedPlaces(expect);
  const known = { trustedKeys, expected };
  const report = file === undefined ? await ofDatabase(io.env, known) : await verifyFile(file, known);
  const isKeyGiven = trustedKeys !== undefined;
  return {
    exitCode: report.problem === undefined ? 0 : 1,
    lines: describeReport(report, { isKeyGiven, expected }),
    result: { ...report, isKeyGiven, expected },
  };
}

async function ofDatabase(env: CommandIo["env"], { trustedKeys, expected }: Known): Promise<RecordReport> {
  const database = await openDatabase(env, { make: false });
  try {
    return await database.unhurried((db) =>
      atOneMoment(db, (moment) => verifyDatabase(moment, trustedKeys, expected)),
    );
  } finally {
    await database.close();
  }
}
