import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import type { Database } from "../database/database.ts";
import {
  type DeadEvent,
  type DeadFilter,
  type ReceiverState,
  ReceiverStore,
} from "../webhooks/receiver-store.ts";
import { CommandError, type CommandIo } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";
import { openDatabase } from "./find-database.ts";

/** Adds `webhooks list` and `webhooks redrive`, which work in the database of DATABASE_URL or DATA_DIR. */
export function addWebhooks(webhooks: Command, io: CommandIo): void {
  printsResult(
    webhooks
      .command("list")
      .description(
        "List the receivers with their state, and the events that could not be delivered (dead letters). " +
          "Reads the database of DATABASE_URL or DATA_DIR.",
      ),
    io,
    () => inStore(io, list),
  );
  printsResult(
    webhooks
      .command("redrive")
      .description(
        "Send dead letters again, before newer events and with the same ids. Give --receiver, --event or " +
          "--all.",
      )
      .option("--receiver <name>", "the events of this receiver")
      .option("--event <id>", "this event", parseEventId)
      .option("--all", "all events"),
    io,
    (options: DeadFilter & { readonly all?: boolean }) => inStore(io, (store) => redrive(store, options)),
  );
}

function parseEventId(text: string): string {
  if (z.uuid().safeParse(text).success) return text;
  throw new InvalidArgumentError("Give an id as webhooks list shows it.");
}

async function inStore(
  { env }: CommandIo,
  work: (store: ReceiverStore) => Promise<CommandResult>,
): Promise<CommandResult> {
  const database: Database = await openDatabase(env, { make: false });
  try {
    return await work(new ReceiverStore(database));
  } finally {
    await database.close();
  }
}

/** More dead events than a person reads. */
const MOST_LISTED = 1_000;

async function list(store: ReceiverStore): Promise<CommandResult> {
  const [receivers, dead] = [await store.states(), await store.dead(MOST_LISTED)];
  const lines =
    receivers.length === 0 ? ["The database has no receiver of events."] : receivers.map(describeReceiver);
  return { lines: [...lines, ...dead.map(describeDead)], result: { receivers, dead } };
}

function describeReceiver({ name, waiting, dead, disabledAt, failingSince, problem }: ReceiverState): string {
  const failing = failingSince && `It ${problem}, since ${failingSince.toISOString()}.`;
  const disabled = disabledAt && `Disabled by HTTP 410 at ${disabledAt.toISOString()}.`;
  return [`${name}: ${waiting} events wait, ${dead} are dead.`, disabled ?? failing]
    .filter(Boolean)
    .join(" ");
}

function describeDead({ receiver, eventId, type, queuedAt, attempts, problem }: DeadEvent): string {
  return `  ${receiver} ${eventId} ${type} ${queuedAt.toISOString()}: ${attempts} attempts, the last ${problem}`;
}

async function redrive(
  store: ReceiverStore,
  { all, receiver, event }: DeadFilter & { readonly all?: boolean },
): Promise<CommandResult> {
  if (all !== true && receiver === undefined && event === undefined) {
    throw new CommandError("Give --receiver, --event or --all.");
  }
  const events = await store.redrive({ receiver, event });
  return {
    exitCode: events === 0 ? 1 : 0,
    lines: [events === 0 ? "No dead event fits." : `${events} events wait for delivery again.`],
    result: { events },
  };
}
