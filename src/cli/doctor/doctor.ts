import { type CommandIo, EX_CANNOT } from "../command.ts";
import { describeDiagnosis, isWhole } from "./describe-diagnosis.ts";
import { type Diagnosis, diagnose } from "./diagnose.ts";
import { parseDoctorFlags } from "./doctor-flags.ts";

const USAGE = `Usage: npm run doctor -- --router URL [--header 'authorization: Bearer ...'] [--direct URL]
                          [--for ROUTER] [--timeout SECONDS]

Sends two requests that change nothing through a federated router, and says what it does to the gateway's errors and
how to configure it. --header may be given several times; --header @FILE takes headers from a file, where no list of
processes shows them. --direct is the gateway's own address, to compare with what it really sends instead of the
contract. --for names the router where it cannot be guessed.

Exit code: 0 everything arrives, 1 something is lost or changed, 2 it cannot be told.`;

/** Says what a router does to the errors of the gateway. Never prints the value of a header. */
export async function doctor({ args, stdout }: CommandIo): Promise<number> {
  const flags = parseDoctorFlags(args);
  if (flags === undefined) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  const diagnosis = await diagnose(flags.router, flags.direct);
  const report = describeDiagnosis(diagnosis, flags.kind).join("\n").trimEnd();
  stdout.write(`${withoutSecrets(report, flags.router.headers)}\n`);
  return exitCodeOf(diagnosis);
}

function exitCodeOf({ channels }: Diagnosis): number {
  const verdicts = Object.values(channels);
  if (verdicts.every(isWhole)) return 0;
  return verdicts.some((verdict) => "findings" in verdict && !isWhole(verdict)) ? 1 : EX_CANNOT;
}

/** Shorter texts are no secrets, and would blot out half the output. */
const SHORTEST_SECRET = 8;

/** The text without the values of these headers, which a router may have repeated in an error. */
function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/).slice(1)])
    .filter((secret) => secret.length >= SHORTEST_SECRET);
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}
