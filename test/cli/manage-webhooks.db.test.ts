import { sql } from "kysely";
import { expect, test } from "vitest";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { entryOf, openReplica, passTime, queueEvents } from "../webhooks/open-replica.ts";
import { startReceiver } from "../webhooks/start-receiver.ts";
import { runCommand } from "./run-command.ts";

const DATABASE_URL = await createTestPostgres();
const database = await openTestPostgres(DATABASE_URL);

const run = (name: string, ...args: readonly string[]) => runCommand(name, args, { DATABASE_URL });

test("without receivers, list says so and redrive finds nothing", async () => {
  expect(await run("webhooks list")).toMatchObject({
    code: 0,
    stdout: "The database has no receiver of events.\n",
  });
  expect(await run("webhooks redrive", "--all")).toMatchObject({ code: 1, stdout: "No dead event fits.\n" });
});

test("list shows receivers and dead events, and redrive lets them be delivered again", async () => {
  const receiver = await startReceiver();
  receiver.answer = (_got, response) => void response.writeHead(500).end();
  const entry = entryOf(receiver, { name: "siem" });
  const { deliver } = await openReplica(database, [entry]);
  await queueEvents(database, 1);
  await passTime(database, 3 * 86_400_000);
  await queueEvents(database, 2);
  await deliver(entry.name);
  const id = receiver.got[0]?.id ?? "";
  const { stdout } = await run("webhooks list");
  expect(stdout.split("\n")).toEqual([
    expect.stringMatching(/^siem: 1 events wait, 1 are dead\. It answered HTTP 500, since 20\S+Z\.$/),
    expect.stringMatching(`^  siem ${id} drift\\.found 20\\S+Z: 1 attempts, the last answered HTTP 500$`),
    "",
  ]);
  expect(JSON.parse((await run("webhooks list", "--json")).stdout)).toMatchObject({
    command: "webhooks list",
    result: { receivers: [{ name: "siem", waiting: 1, dead: 1 }], dead: [{ eventId: id }] },
  });
  expect(await run("webhooks redrive", "--receiver", "pager")).toMatchObject({ code: 1 });
  expect(await run("webhooks redrive", "--event", id)).toMatchObject({
    ...{ code: 0, stdout: "1 events wait for delivery again.\n" },
  });
  receiver.answer = (_got, response) => void response.writeHead(200).end();
  await deliver(entry.name);
  expect(receiver.got.slice(1).map((got) => got.event.data["mark"])).toEqual([1, 2]);
});

test("a disabled receiver is shown as disabled", async () => {
  await sql`update webhook_receiver set disabled_at = clock_timestamp()`.execute(database.db);
  expect((await run("webhooks list")).stdout).toMatch(/Disabled by HTTP 410 at 20/);
});

test.each([
  [[], "Give --receiver, --event or --all."],
  [["--event", "1"], "Give an id as webhooks list shows it"],
])("redrive with %j is refused", async (args, message) => {
  expect(await run("webhooks redrive", ...args)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message),
  });
});
