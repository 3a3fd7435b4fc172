import type { Command } from "commander";
import { CHECKPOINTS, type ChainHead } from "../audit/chain.ts";
import { atOneMoment, isPruned } from "../audit/read-record.ts";
import { fingerprint, loadPublicKeys } from "../audit/signing-keys.ts";
import { verifyDatabase } from "../audit/verify-database.ts";
import type { RecordReport } from "../audit/verify-record.ts";
import { CommandError, type CommandIo, collect } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { openDatabase } from "./find-database.ts";
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
      "Verify the hash chains and the signatures of the record, and name the first bad record. Give " +
        "--database or --file.",
    )
    .option(
      "--database",
      "verify the database of DATABASE_URL, DATABASE_URL_FILE or DATA_DIR (default .data)",
    )
    .option("--file <file>", "verify an export, without a database")
    .option("--public-key <file>", "accept only signatures by the public keys in this PEM file")
    .option(
      "--expect <place>",
      "require that the record contains this place: CHAIN:SEQ:HASH from the gateway's log (record.signed) " +
        "or from an earlier verification, an earlier export, or an anchor file; repeatable",
      collect,
    );
  printsResult(command, io, (options: VerifyOptions) => verify(options, io));
}

async function verify(
  { database, file, publicKey, expect = [] }: VerifyOptions,
  io: CommandIo,
): Promise<CommandResult> {
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
    return await database.withoutTimeLimit((db) =>
      atOneMoment(db, (moment) => verifyDatabase(moment, trustedKeys, expected)),
    );
  } finally {
    await database.close();
  }
}

/** Describes a report in sentences, one a line. */
function describeReport(
  report: RecordReport,
  { isKeyGiven, expected }: { readonly isKeyGiven: boolean; readonly expected: readonly ChainHead[] },
): readonly string[] {
  const { chains, records, hidden, unsealed = 0, pruned = [], problem } = report;
  if (problem !== undefined) {
    const { chain, seq, id, reason } = problem;
    const place = [
      chain,
      chain === CHECKPOINTS || seq === undefined ? undefined : "record",
      seq,
      id && `(${id})`,
    ];
    const where = place.filter((part) => part !== undefined).join(" ");
    return [`BAD: ${where === "" ? "" : `${where}: `}${reason}.`];
  }
  const [older = [], compared = []] = [true, false].map((gone) =>
    expected.filter((place) => isPruned(pruned, place) === gone),
  );
  const used = chains.filter(({ last }) => last > 0).length;
  return [
    records === 0
      ? "OK: no record was examined."
      : `OK: ${countOf(records, "record")} in ${countOf(used, "chain")}, unbroken.`,
    ...(hidden > 0 ? [`Of ${countOf(hidden, "record")} only the digest is there, and not the content.`] : []),
    ...(unsealed > 0 ? [`Not sealed yet, and not examined: ${unsealed}.`] : []),
    ...pruned.map(
      ({ chain, seq, checkpoint }) => `Pruned up to record ${seq} of ${chain}, by checkpoint ${checkpoint}.`,
    ),
    ...describeSignature(report, isKeyGiven),
    ...endsOf(report).map((end) => `It ends at ${writePlace(end)}.`),
    compared.length === 0
      ? "Not compared with an earlier place (--expect), so records that were cut from the end do not show."
      : `It contains what was expected: ${listOf(compared)}.`,
    ...(older.length > 0 ? [`Pruned, and not compared: ${listOf(older)}.`] : []),
  ];
}

/** Returns the places that prove later that nothing was cut: the last checkpoint, or each chain without signatures. */
function endsOf({ ends, signed }: RecordReport): readonly ChainHead[] {
  if (signed === undefined) return ends.filter(({ seq }) => seq > 0);
  return [{ chain: CHECKPOINTS, seq: signed.number, hash: signed.hash }];
}

function listOf(places: readonly ChainHead[]): string {
  return places.map(({ chain, seq }) => `${chain}:${seq}`).join(", ");
}

/** A place as `--expect` takes it. */
function writePlace({ chain, seq, hash }: ChainHead): string {
  return `${chain}:${seq}:${hash}`;
}

function describeSignature({ chains, signed }: RecordReport, isKeyGiven: boolean): readonly string[] {
  const later = chains.reduce((sum, chain) => sum + chain.last - chain.signed, 0);
  const total = chains.reduce((sum, chain) => sum + chain.last, 0);
  if (total === 0) return [];
  if (later === total) {
    return ["No record is signed: anyone who can write to the database could have rewritten the record."];
  }
  const rest = later === 0 ? "" : `; the last ${later === 1 ? "one is" : `${later} are`} not signed yet`;
  const by =
    signed === undefined
      ? "Signed by an earlier release"
      : `Signed by checkpoint ${signed.number} at ${signed.signedAt} with the key ${fingerprint(signed.publicKey)}`;
  return [
    `${by}${rest}.`,
    ...(isKeyGiven ? [] : ["Pass the public key (--public-key FILE) to verify the owner of that key."]),
  ];
}

function countOf(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}
