import { ConfigError } from "../config/config.ts";
import type { WebhooksSettings } from "../config/webhooks-file.ts";
import type { Database } from "../database/database.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import { type FileRead, PolledFile, readOnce } from "../poller.ts";
import type { LogEventId } from "../telemetry/log-events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Receiver } from "../webhooks/receiver.ts";
import type { ReceiverState } from "../webhooks/receiver-store.ts";
import { type Attempt, Webhooks, type WebhooksObserver } from "../webhooks/webhooks.ts";
import type { Foundation } from "./foundation.ts";
import { receiversOf } from "./load-files.ts";

/**
 * Opens the webhooks and follows their file. Without a file they have no receiver, and no event is written.
 * @throws ConfigError for a mistake in the file.
 */
export async function openWebhooks(
  { config, clock, telemetry, closers }: Foundation,
  database: Database,
  send: JobQueue["send"],
): Promise<Webhooks | undefined> {
  const { webhooks: settings } = config;
  if (settings === undefined) return undefined;
  const webhooks = new Webhooks({
    ...{ database, clock, send, allowsLoopback: settings.mode === "local" },
    observer: webhooksObserver(telemetry),
  });
  const first = await readOnce(settings.file);
  await applyReceivers(telemetry, webhooks, await receiversOf(first, settings));
  const polled = new PolledFile({
    ...{ file: settings.file, clock, first },
    use: (read) => applyChangedFile(telemetry, webhooks, read, settings),
  });
  polled.start();
  webhooks.start();
  closers.defer(async () => {
    await polled.stop();
    await webhooks.stop();
  });
  return webhooks;
}

async function applyReceivers(
  { report, health }: Telemetry,
  webhooks: Webhooks,
  receivers: readonly Receiver[],
): Promise<void> {
  await webhooks.use(receivers);
  health.report("webhooks", undefined);
  report("webhooks.in_use", { receivers: receivers.map(({ name }) => name) });
}

/** Uses a changed file. A file that cannot be used now may be usable later: a secret may be missing, or the database. */
async function applyChangedFile(
  telemetry: Telemetry,
  webhooks: Webhooks,
  read: FileRead,
  settings: WebhooksSettings,
): Promise<"done" | "again"> {
  try {
    await applyReceivers(telemetry, webhooks, await receiversOf(read, settings));
    return "done";
  } catch (err) {
    const problem =
      "The changed file cannot be used, and the old receivers stay in use. See webhooks.unusable.";
    telemetry.health.report("webhooks", undefined, problem);
    telemetry.report("webhooks.unusable", err instanceof ConfigError ? { problems: err.problems } : { err });
    return "again";
  }
}

function webhooksObserver({ report, health, metrics }: Telemetry): WebhooksObserver {
  let shown: readonly ReceiverState[] = [];
  metrics.sample(() => {
    for (const { name: receiver, waiting, dead, oldestMs } of shown) {
      metrics.record("webhook.events.waiting", waiting, { receiver });
      metrics.record("webhook.events.dead", dead, { receiver });
      metrics.record("webhook.events.age", oldestMs / 1_000, { receiver });
    }
  });
  const count = ({ receiver }: Attempt, outcome: "delivered" | "failed") =>
    metrics.record("webhook.attempts", 1, { receiver, outcome });
  const failedAs = (event: LogEventId) => (attempt: Attempt) => {
    count(attempt, "failed");
    report(event, attempt);
  };
  return {
    onDelivered: (attempt) => {
      count(attempt, "delivered");
      report("webhook.delivered", attempt);
    },
    onFailed: failedAs("webhook.not_delivered"),
    onDead: failedAs("webhook.given_up"),
    onDisabled: failedAs("webhook.receiver_disabled"),
    onErased: (events) => report("webhook.events_erased", { events }),
    onStates: (states) => {
      const gone = shown.filter(({ name }) => states.every((state) => state.name !== name));
      for (const { name } of gone) health.forget("webhooks", name);
      for (const { name, disabledAt, problem } of states) {
        const disabled = "It answered HTTP 410 and gets no event until its entry in the file changes.";
        health.report("webhooks", name, disabledAt ? disabled : problem && `It ${problem}.`);
      }
      shown = states;
    },
    onError: (err) => report("webhooks.failed", { err }),
  };
}
