import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { fingerprint, loadPublicKeys } from "../../audit/signing-keys.ts";
import { type BundleReport, verifyBundle } from "../../rollouts/proof/verify-bundle.ts";
import { TextEncodingError, whyUnreadable } from "../../utf8.ts";
import { callGateway } from "../call-gateway.ts";
import { CommandError, type CommandIo, writeNewFile } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";
import {
  type GatewayConnection,
  type GatewayOptions,
  gatewayOf,
  withGateway,
} from "../gateway-connection.ts";
import { progressBarOn } from "../terminal.ts";
import { followRollout } from "./follow-rollout.ts";

interface ProveOptions extends GatewayOptions {
  readonly out?: string;
}

/** The lines that one request reads. */
const PAGE_LINES = 500;

/** Adds `rollout prove`. */
export function addRolloutProve(rollout: Command, io: CommandIo): void {
  const command = withGateway(
    rollout
      .command("prove")
      .description(
        "Write the bundle that proves a rollout. Waits until every user is read again after the run.",
      )
      .argument("<id>", "the rollout")
      .option("--out <file>", "write to this new file (default: rollout-ID.jsonl)"),
  );
  printsResult(command, io, (id: string, options: ProveOptions) => prove(id, options, io));
}

async function prove(id: string, options: ProveOptions, io: CommandIo): Promise<CommandResult> {
  const connection = gatewayOf(options, io.env);
  const { out: file = `rollout-${id}.jsonl` } = options;
  const { proof } = await followRollout(
    id,
    connection,
    io,
    (rollout) => rollout.proof?.sealed === true || hasNoProof(rollout),
  );
  await writeNewFile(file, (to) => pipeline(readBundle(id, connection, io), to));
  const differences = proof?.differences ?? 0;
  return {
    lines: [
      `Written to ${file}. Verify it with: cam-gateway rollout verify ${file}`,
      differences === 0
        ? "Every user was read again, and is as the rollout left them."
        : `${differences} users were read otherwise than the rollout left them.`,
    ],
    result: { file, differences },
  };
}

/** Whether no proof will come: the rollout ended without a run. */
function hasNoProof({ finishedAt, startedAt, status }: Awaited<ReturnType<typeof followRollout>>): boolean {
  return startedAt === null && (finishedAt !== null || status === "EXPIRED" || status === "PLAN_FAILED");
}

async function* readBundle(id: string, connection: GatewayConnection, io: CommandIo): AsyncGenerator<string> {
  const bar = progressBarOn(io.stderr);
  let after = 0;
  for (let total = 1; after < total; ) {
    const page = await callGateway(connection, (client, call) =>
      client.mfaRolloutBundle({ id, first: PAGE_LINES, after }, call),
    );
    for (const line of page.lines) yield `${line}\n`;
    after += page.lines.length;
    total = page.total;
    bar.show(after, total);
  }
  bar.clear();
}

/** Adds `rollout verify`. */
export function addRolloutVerify(rollout: Command, io: CommandIo): void {
  const command = rollout
    .command("verify")
    .description("Verify the bundle of `rollout prove`, without a gateway or a database.")
    .argument("<file>", "the bundle")
    .option("--public-key <file>", "accept only signatures by the public keys in this PEM file");
  printsResult(command, io, verify);
}

async function verify(file: string, { publicKey }: { readonly publicKey?: string }): Promise<CommandResult> {
  const trustedKeys = publicKey === undefined ? undefined : await loadPublicKeys(publicKey);
  const report = await verifyBundle({ file, trustedKeys }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof TextEncodingError)) throw error;
    throw new CommandError(`${file} ${whyUnreadable(error)}.`);
  });
  const isKeyGiven = trustedKeys !== undefined;
  return {
    exitCode: report.problem === undefined ? 0 : 1,
    lines: describe(report, isKeyGiven),
    result: { ...report, isKeyGiven },
  };
}

/** Describes a report in sentences, one a line. */
function describe(
  { seal, differences, signed, problem }: BundleReport,
  isKeyGiven: boolean,
): readonly string[] {
  if (seal === undefined) return [`BAD: ${problem}.`];
  const { name, status, planHash, startedAt, finishedAt, approval } = seal;
  return [
    `OK: the rollout ${JSON.stringify(name)} is as it was sealed.`,
    `Plan ${planHash}`,
    approval === null ? "No approval was needed." : `Approved by ${approval.subject} at ${approval.at}.`,
    `Started at ${startedAt}, ${status} at ${finishedAt}.`,
    differences.length === 0
      ? "The reads after the run show every applied change."
      : `The reads after the run differ for: ${differences.map(({ opUin }) => opUin).join(", ")}.`,
    signed === undefined
      ? "No checkpoint signs it: anyone who can write to the database could have rewritten it."
      : `Signed by checkpoint ${signed.number} at ${signed.signedAt} with the key ${fingerprint(signed.publicKey)}.`,
    ...(signed === undefined || isKeyGiven
      ? []
      : ["Pass the public key (--public-key FILE) to verify the owner of that key."]),
  ];
}
