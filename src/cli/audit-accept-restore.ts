import { createPublicKey } from "node:crypto";
import type { Command } from "commander";
import {
  acceptRestore,
  findMissing,
  type RestoredRecord,
  RestoreRefusedError,
} from "../audit/accept-restore.ts";
import { CHECKPOINTS, type ChainHead } from "../audit/chain.ts";
import { AnchorFileError, headsOf, readAnchorFile } from "../audit/chain-anchors.ts";
import { encodePublicKey, loadSigningKeys } from "../audit/signing-keys.ts";
import { systemClock } from "../clock.ts";
import { askFirst, CommandError, type CommandIo, collect } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { openDatabase } from "./find-database.ts";
import { parseExpectedPlaces } from "./record-files.ts";

interface AcceptOptions {
  readonly expect?: readonly string[];
  readonly yes?: boolean;
}

/** Adds `audit accept-restore`, which needs the signing key and runs with the variables of a replica. */
export function addAuditAcceptRestore(audit: Command, io: CommandIo): void {
  const command = audit
    .command("accept-restore")
    .description(
      "After a restore of an older copy, seal which checkpoints are missing, and sign the record again. Set the " +
        "variables of a replica: AUDIT_SIGNING_KEY_FILE, AUDIT_ANCHOR_FILE and the database.",
    )
    .option(
      "--expect <place>",
      "what the database had before: an anchor file, the latest export, or checkpoints:SEQ:HASH from the " +
        "log (record.signed); repeatable",
      collect,
    )
    .option("--yes", "accept without a question");
  printsResult(command, io, (options: AcceptOptions) =>
    accept(options, io).catch((error: unknown) => {
      if (error instanceof RestoreRefusedError) {
        throw new CommandError(`Nothing was signed. ${error.message}`, 1);
      }
      if (error instanceof AnchorFileError) throw new CommandError(error.message);
      throw error;
    }),
  );
}

async function accept({ expect = [], yes }: AcceptOptions, io: CommandIo): Promise<CommandResult> {
  const { signingKeyFile, previousKeyFile, anchorFile } = readVariables(io.env);
  const { privateKey, previousKey } = await loadSigningKeys({ signingKeyFile, previousKeyFile });
  const trustedKeys = [privateKey, ...(previousKey === undefined ? [] : [previousKey])].map((key) =>
    encodePublicKey(createPublicKey(key)),
  );
  const anchors = anchorFile === undefined ? [] : headsOf(await readAnchorFile(anchorFile));
  const places = [...anchors, ...(await parseExpectedPlaces(expect))];
  if (!places.some(({ chain }) => chain === CHECKPOINTS)) {
    throw new CommandError(
      "No checkpoint is known. Set AUDIT_ANCHOR_FILE, or give --expect with an export or with checkpoints:SEQ:HASH from the log.",
    );
  }
  const database = await openDatabase(io.env, { make: false });
  try {
    const found = await findMissing(database, places, trustedKeys);
    if (found === undefined) {
      return {
        lines: ["Nothing to accept: the database has every given checkpoint."],
        result: { checkpoint: null },
      };
    }
    if (yes !== true) {
      await askFirst(io, {
        show: async () => describe(found),
        question: "Accept this database? [y/N] ",
        nothing: "Nothing was signed",
      });
    }
    const { number, hash } = await acceptRestore(database, found, {
      places,
      privateKey,
      trustedKeys,
      clock: systemClock,
    });
    const { restored, missing, lacks } = found;
    return {
      lines: [
        ...describe(found),
        `Signed checkpoint ${number}. It ends at ${CHECKPOINTS}:${number}:${hash}.`,
      ],
      result: { checkpoint: { number, hash }, restoredTo: restored?.number ?? 0, missing, lacks },
    };
  } finally {
    await database.close();
  }
}

function describe({ restored, missing, lacks }: RestoredRecord): readonly string[] {
  const from = (restored?.number ?? 0) + 1;
  return [
    from === missing.seq
      ? `Checkpoint ${from} is missing.`
      : `Checkpoints ${from} to ${missing.seq} are missing.`,
    restored === undefined
      ? "The database has no earlier checkpoint."
      : `The last one before them is checkpoint ${restored.number}, signed at ${restored.signedAt}.`,
    ...lacks.map(({ chain, seq }: ChainHead) => `Record ${seq} of ${chain} is missing.`),
  ];
}

function readVariables(env: CommandIo["env"]) {
  const read = (name: string) => env[name]?.trim() || undefined;
  const signingKeyFile = read("AUDIT_SIGNING_KEY_FILE");
  if (signingKeyFile === undefined) {
    throw new CommandError("Set AUDIT_SIGNING_KEY_FILE: the command signs a checkpoint as the gateway does.");
  }
  const anchor = read("AUDIT_ANCHOR_FILE");
  return {
    signingKeyFile,
    previousKeyFile: read("AUDIT_PREVIOUS_KEY_FILE"),
    // With `log`, the places are in the log alone.
    anchorFile: anchor === "log" ? undefined : anchor,
  };
}
