import type { Command } from "commander";
import { fingerprint, loadPublicKeys } from "../../audit/signing-keys.ts";
import { type BundleReport, verifyBundle } from "../../rollouts/proof/verify-bundle.ts";
import { TextEncodingError, whyUnreadable } from "../../utf8.ts";
import { CommandError, type CommandIo } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";

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
