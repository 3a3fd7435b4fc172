import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/database/database.ts";
import { Secret } from "../../src/secret.ts";
import type { Resolve } from "../../src/webhooks/permitted-addresses.ts";
import { EVENT_TYPES, type Receiver } from "../../src/webhooks/receiver.ts";
import { ReceiverStore } from "../../src/webhooks/receiver-store.ts";
import { Webhooks } from "../../src/webhooks/webhooks.ts";
import type { StartedReceiver } from "./start-receiver.ts";

/** Returns the entry of a receiver with a name that no other test has. */
export function entryOf(
  { origin, secret }: Pick<StartedReceiver, "origin" | "secret">,
  more: Partial<Receiver> = {},
): Receiver {
  return {
    name: `receiver-${randomUUID().slice(0, 8)}`,
    ...{ url: new URL("/hook", origin), secrets: [{ value: new Secret(secret) }] },
    ...{ events: EVENT_TYPES, accounts: undefined, privateAddresses: false, settings: "one", ...more },
  };
}

interface ReplicaOptions {
  readonly clock?: Clock;
  readonly resolve?: Resolve;
  readonly allowsLoopback?: boolean;
}

/** Opens a replica with receivers. `deliver` runs the job of a receiver, as the job queue does. */
export async function openReplica(
  database: Database,
  receivers: readonly Receiver[],
  options: ReplicaOptions = {},
) {
  const reports: [kind: string, report: unknown][] = [];
  const note = (kind: string) => (report: unknown) => void reports.push([kind, report]);
  const sent: string[] = [];
  const webhooks = new Webhooks({
    ...{ database, clock: systemClock, allowsLoopback: true, ...options },
    send: async (_kind, key) => void sent.push(key),
    observer: {
      onDelivered: note("delivered"),
      onFailed: note("failed"),
      onDead: note("dead"),
      onDisabled: note("disabled"),
      onErased: note("erased"),
      onStates: () => undefined,
      onError: note("error"),
    },
  });
  await webhooks.use(receivers);
  const [job] = webhooks.jobs;
  return {
    ...{ webhooks, reports, sent, store: new ReceiverStore(database) },
    deliver: async (name: string) => job?.run(name),
  };
}

/** Writes events as the triggers do, each in its own transaction. */
export async function queueEvents({ db }: Database, ...marks: readonly number[]): Promise<void> {
  for (const mark of marks) {
    await sql`select queue_webhook('drift.found', 'default', ${JSON.stringify({ mark })}::jsonb)`.execute(db);
  }
}

/** Moves all times of webhooks in the database into the past, as if the time had passed. */
export async function passTime({ db }: Database, ms: number): Promise<void> {
  const by = sql`(${ms}::double precision * interval '1 millisecond')`;
  await sql`
    update webhook_receiver set next_attempt_at = next_attempt_at - ${by}, lease_until = lease_until - ${by},
      seen_at = seen_at - ${by}, failing_since = failing_since - ${by}`.execute(db);
  await sql`update webhook_delivery set queued_at = queued_at - ${by}, dead_at = dead_at - ${by}`.execute(db);
}
