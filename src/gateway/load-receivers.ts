import { ConfigError } from "../config/config.ts";
import { parseWebhooksFile, type WebhooksSettings } from "../config/webhooks-file.ts";
import { type FileRead, readOnce } from "../polled-file.ts";
import { readSecret, WebhookSecretError } from "../webhooks/event-sender.ts";
import type { Receiver } from "../webhooks/receiver.ts";
import { parseFile } from "./parse-file.ts";

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
