import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { type ChainHead, headShape, LEGACY } from "../audit/chain.ts";
import { headsOf, parseAnchors } from "../audit/chain-anchors.ts";
import { describeReport } from "../audit/describe-report.ts";
import { atOneMoment } from "../audit/read-record.ts";
import { loadPublicKeys } from "../audit/signing-keys.ts";
import { verifyDatabase } from "../audit/verify-database.ts";
import { readExportPlaces, verifyExport } from "../audit/verify-export.ts";
import type { RecordReport } from "../audit/verify-record.ts";
import { TextEncodingError, utf8Text, whyUnreadable } from "../utf8.ts";
import { CommandError, type CommandIo, collect } from "./command.ts";
import { openDatabase } from "./find-database.ts";

interface VerifyOptions {
  readonly database?: boolean;
  readonly file?: string;
  readonly publicKey?: string;
  readonly expect?: readonly string[];
}

/** Adds `audit verify`. */
export function addAuditVerify(audit: Command, io: CommandIo): void {
  audit
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
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 the record is as it was written, 1 it is not, 2 the record cannot be read.",
    )
    .action((options: VerifyOptions) => verify(options, io));
}

async function verify(
  { database, file, publicKey, expect = [] }: VerifyOptions,
  io: CommandIo,
): Promise<void> {
  if ((file !== undefined) === (database === true)) throw new CommandError("Give --database or --file FILE.");
  const trustedKeys = publicKey === undefined ? undefined : await loadPublicKeys(publicKey);
  const expected = (await Promise.all(expect.map(parseExpectedPlaces))).flat();
  const known = { trustedKeys, expected };
  const report = file === undefined ? await ofDatabase(io.env, known) : await ofFile(file, known);
  const isKeyGiven = trustedKeys !== undefined;
  io.stdout.write(`${describeReport(report, { isKeyGiven, expected }).join("\n")}\n`);
  if (report.problem !== undefined) io.exitCode = 1;
}

/** Facts from outside the record, which the record must agree with. */
interface Known {
  readonly trustedKeys: readonly string[] | undefined;
  readonly expected: readonly ChainHead[];
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

async function ofFile(file: string, known: Known): Promise<RecordReport> {
  try {
    return await verifyExport({ file, ...known });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof TextEncodingError)) throw error;
    throw new CommandError(`${file} ${whyUnreadable(error)}.`);
  }
}

/** The largest size of an anchor file. A larger file is an export. */
const MAX_ANCHOR_BYTES = 1_000_000;

/**
 * Returns places that the record must contain. The text is `CHAIN:SEQ:HASH`, or names an earlier export or an anchor
 * file. Earlier releases wrote `SEQ:HASH` for the chain `legacy`.
 * @throws CommandError
 */
async function parseExpectedPlaces(text: string): Promise<readonly ChainHead[]> {
  const [, chain = LEGACY, seq, hash = ""] = /^(?:(.+):)?(\d+):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (seq !== undefined) {
    const place = headShape.safeParse({ chain, seq: Number(seq), hash: hash.toLowerCase() });
    if (place.success) return [place.data];
    throw new CommandError(`--expect ${text}: ${seq} is not the number of a record.`);
  }
  const places = await placesIn(text).catch((cause: NodeJS.ErrnoException) => {
    throw new CommandError(
      `--expect takes CHAIN:SEQ:HASH with all 64 digits of the hash, or a file. ${text} cannot be read as a file (${cause.code}).`,
    );
  });
  if (places !== undefined && places.length > 0) return places;
  throw new CommandError(
    `--expect ${text}: the file is neither a whole export nor an anchor file with a place.`,
  );
}

async function placesIn(file: string): Promise<readonly ChainHead[] | undefined> {
  const { size } = await stat(file);
  const anchors = size <= MAX_ANCHOR_BYTES ? parseAnchors(utf8Text(await readFile(file)) ?? "") : undefined;
  return anchors === undefined ? await readExportPlaces(file) : headsOf(anchors);
}
