import { debug, error, info, type LogEvent, warn } from "./log-event.ts";

/** The log events of webhooks. */
export const WEBHOOK_LOG_EVENTS = {
  "webhook.delivered": debug("a receiver accepted an event", "`receiver` and `eventId` name them."),
  "webhook.events_erased": error(
    "events that waited for 30 days were erased",
    "Look at `webhooks list` while events are in it: a receiver has not accepted them.",
  ),
  "webhook.given_up": error(
    "an event could not be delivered for three days and is in the dead-letter list",
    "Let `receiver` accept events, and then run `cam-gateway webhooks redrive`. `problem` is the last reason.",
  ),
  "webhook.not_delivered": warn(
    "a receiver has not accepted an event and gets it again",
    "`problem` says why. The events behind it wait, because the order is kept. The next attempt is after `retryInMs`.",
  ),
  "webhook.receiver_disabled": error(
    "a receiver answered HTTP 410 and gets no more events",
    "Remove `receiver` from WEBHOOKS_FILE, or change its entry. Its events wait for 30 days.",
  ),
  "webhooks.failed": warn(
    "events could not be delivered, because the database is unavailable",
    "`err` names the fault. The gateway tries again within seconds. An event may be delivered twice.",
  ),
  "webhooks.in_use": info("the receivers of the file are in use", "`receivers` names them."),
  "webhooks.unusable": error(
    "the file of receivers cannot be used; the old receivers stay in use",
    "Correct what `problems` lists. `check-config` shows the same. The gateway tries again every 30 seconds.",
  ),
} as const satisfies Readonly<Record<string, LogEvent>>;
