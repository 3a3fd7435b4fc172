import { checkCredentialFiles } from "../cam/index.ts";
import { type AccountSettings, type AccountsSettings, parseAccountsFile } from "../config/accounts-file.ts";
import { ConfigError } from "../config/config.ts";
import { parseWebhooksFile, type WebhooksSettings } from "../config/webhooks-file.ts";
import { type FileRead, readOnce } from "../poller.ts";
import { decodeFile, whyUnreadable } from "../utf8.ts";
import { readSecret, WebhookSecretError } from "../webhooks/event-sender.ts";
import type { Receiver } from "../webhooks/receiver.ts";

/** Loads the file of CAM_ACCOUNTS. @throws ConfigError with every mistake in the file. */
export async function loadAccounts(settings: AccountsSettings): Promise<readonly AccountSettings[]> {
  return parseAccounts(await readOnce(settings.file), settings);
}

/** Returns the accounts of a read of the file. @throws ConfigError with every mistake in the file. */
export function parseAccounts(read: FileRead, settings: AccountsSettings): readonly AccountSettings[] {
  return parseFile(["CAM_ACCOUNTS", settings.file], read, (text, problems) =>
    parseAccountsFile(text, settings, problems),
  );
}

/** Reads the files with keys that accounts name. @throws ConfigError with every file that has no key. */
export async function checkKeyFiles(accounts: readonly AccountSettings[]): Promise<void> {
  const problems = await Promise.all(
    accounts.map(async ({ name, cam }) =>
      (cam ? await checkCredentialFiles(cam.credentials) : []).map(
        (problem) => `The account ${name}: ${problem}`,
      ),
    ),
  );
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}

/** Loads WEBHOOKS_FILE and the secrets that it names. @throws ConfigError with every mistake. */
export async function loadReceivers(settings: WebhooksSettings): Promise<readonly Receiver[]> {
  return receiversOf(await readOnce(settings.file), settings);
}

/** Returns the receivers of a read of the file. @throws ConfigError with every mistake in the file or in a secret. */
export async function receiversOf(read: FileRead, settings: WebhooksSettings): Promise<readonly Receiver[]> {
  const receivers = parseFile(["WEBHOOKS_FILE", settings.file], read, (text, problems) =>
    parseWebhooksFile(text, settings, problems),
  );
  const problems = await Promise.all(receivers.map(problemsOfSecrets));
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
  return receivers;
}

async function problemsOfSecrets({ name, secrets }: Receiver): Promise<readonly string[]> {
  const reads = await Promise.allSettled(secrets.map(readSecret));
  return reads.flatMap((read) => {
    if (read.status === "fulfilled") return [];
    if (!(read.reason instanceof WebhookSecretError)) throw read.reason;
    return [`WEBHOOKS_FILE: the receiver ${name}: ${read.reason.message}.`];
  });
}

/**
 * Parses a read of a file that a variable names. @param parse Adds mistakes to `problems`.
 * @throws ConfigError with every mistake in the file.
 */
function parseFile<Parsed>(
  [variable, file]: readonly [variable: string, file: string],
  read: FileRead,
  parse: (text: string, problems: string[]) => Parsed,
): Parsed {
  const refuse = (why: string): never => {
    throw new ConfigError([`${variable} ${file} ${why}.`]);
  };
  if ("problem" in read) return refuse(read.problem);
  let text: string;
  try {
    text = decodeFile(read.bytes);
  } catch (error) {
    return refuse(whyUnreadable(error));
  }
  const problems: string[] = [];
  const parsed = parse(text, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return parsed;
}
