import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import {
  deletePruned,
  type PrunePlan,
  PruneRefusedError,
  planPrune,
  requireOwner,
  sealPrune,
} from "../audit/prune-record.ts";
import { loadPublicKeys } from "../audit/signing-keys.ts";
import { systemClock } from "../clock.ts";
import { askFirst, CommandError, type CommandIo, parseTime } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { openDatabase } from "./find-database.ts";
import { verifyFile } from "./record-files.ts";

interface PruneOptions {
  readonly before: Date;
  readonly export: string;
  readonly publicKey: string;
  readonly yes?: boolean;
}

/** Adds `audit prune`, for the owner of the schema. */
export function addAuditPrune(audit: Command, io: CommandIo): void {
  const command = audit
    .command("prune")
    .description(
      "Delete old records that a checkpoint signed and an export contains. Seals first which records it deletes, so the " +
        "others still verify. Needs the role that owns the schema.",
    )
    .requiredOption(
      "--before <time>",
      "delete records signed before this date or time, at least 30 days ago",
      parseTime,
    )
    .requiredOption("--export <file>", "an export that contains every record to delete")
    .requiredOption("--public-key <file>", "the public keys of the checkpoints (PEM)")
    .option("--yes", "delete without a question");
  printsResult(command, io, (options: PruneOptions) =>
    prune(options, io).catch((error: unknown) => {
      if (!(error instanceof PruneRefusedError)) throw error;
      throw new CommandError(`Nothing was pruned. ${error.message}`, 1);
    }),
  );
}

/** The gateway looks up records of the last days: keys of repeated requests, recent writes, waiting approvals. */
const KEPT_DAYS = 30;

async function prune({ before, yes, ...files }: PruneOptions, io: CommandIo): Promise<CommandResult> {
  if (before.getTime() > systemClock.now() - KEPT_DAYS * 86_400_000) {
    throw new CommandError(
      `Give a --before that is at least ${KEPT_DAYS} days ago. The gateway uses newer records.`,
    );
  }
  const trustedKeys = await loadPublicKeys(files.publicKey);
  const database = await openDatabase(io.env, { make: false });
  try {
    await requireOwner(database);
    const left = await deletePruned(database);
    const exported = await verifyFile(files.export, { trustedKeys, expected: [] });
    if (exported.problem !== undefined) {
      throw new PruneRefusedError(`The export does not verify: ${exported.problem.reason}.`);
    }
    const plan = await planPrune(database, { before, exported, trustedKeys });
    if (plan === undefined) return describe(undefined, left);
    if (yes !== true) {
      await askFirst(io, {
        show: async () => describePlan(plan),
        question: "Delete these records? [y/N] ",
        nothing: "Nothing was pruned",
      });
    }
    await sealPrune(database, plan.checkpoint, await hashFile(files.export));
    return describe(plan, left + (await deletePruned(database)));
  } finally {
    await database.close();
  }
}

function describePlan({ checkpoint, parts }: PrunePlan): readonly string[] {
  return [
    `Up to checkpoint ${checkpoint.number}, signed at ${checkpoint.signedAt}:`,
    ...parts.map(({ chain, from, to }) => `  ${chain}: records ${from} to ${to}`),
  ];
}

function describe(plan: PrunePlan | undefined, deleted: number): CommandResult {
  const number = plan?.checkpoint.number ?? null;
  const done =
    deleted === 0 ? "Nothing to prune." : `Deleted ${deleted} records of a prune that was interrupted.`;
  return {
    lines: plan === undefined ? [done] : [`Pruned ${deleted} records.`, ...describePlan(plan)],
    result: { checkpoint: number, chains: plan?.parts ?? [], deleted },
  };
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
