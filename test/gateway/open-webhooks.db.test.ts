import { rename } from "node:fs/promises";
import { sql } from "kysely";
import supertest from "supertest";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/config.ts";
import { createGateway } from "../../src/gateway/create-gateway.ts";
import { FILE_POLL_MS } from "../../src/poller.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { keepWritten } from "../support/leaks/written.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";
import { type StartedReceiver, startReceiver } from "../webhooks/start-receiver.ts";

/** The system clock, with short sleeps between polls of the file and of the events. */
const HASTY = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === FILE_POLL_MS ? 20 : ms, signal),
};

const SOON = { timeout: 20_000 };

const DATABASE_URL = await createTestPostgres();
const folder = await temporaryFolder();
const [siem, pager] = [await startReceiver(), await startReceiver()];
for (const [name, { secret }] of Object.entries({ siem, pager })) await folder.write(name, secret);

const entryOf = (name: string, { origin }: StartedReceiver, ...events: readonly string[]) => ({
  [name]: { url: `${origin}/a-token-in-the-path`, secrets: [{ file: folder.at(name) }], events },
});

/** Replaces the file at once, as a mounted file is replaced. */
async function writeFile(text: string): Promise<void> {
  await rename(await folder.write("next", text), folder.at("webhooks.json"));
}

const lines: string[] = [];
const write = (line: string) => {
  lines.push(line);
  keepWritten("logs", line);
};
const siemEntry = entryOf("siem", siem, "scan.finished");
await writeFile(JSON.stringify({ receivers: siemEntry }));
const gateway = createGateway(
  loadConfig(
    { PORT: "0", ADMIN_PORT: "0", DATABASE_URL, WEBHOOKS_FILE: folder.at("webhooks.json") },
    "local",
  ),
  { clock: HASTY, logger: createLogger({ level: "debug", destination: { write } }) },
);
await gateway.start();
whenOver(() => gateway.stop());
const admin = supertest(gateway.address.admin ?? "");

const typesOf = ({ got }: StartedReceiver) => got.map(({ event }) => event.type);
const linesOf = (event: string) =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line["event"] === event);
const partsOf = async () => {
  const { body } = await admin.get("/health/ready");
  const parts = body.parts as { part: string; of?: string; state: string; problem?: string }[];
  return parts
    .filter(({ part }) => part === "webhooks")
    .sort((one, other) => (one.of ?? "").localeCompare(other.of ?? ""));
};
const scan = () =>
  supertest(new URL(gateway.address.url).origin)
    .post("/graphql")
    .send({ query: "mutation { scanDirectory { status } }" });

// Each test continues from the one before it.
test("the first scan of a started gateway reaches the receiver", async () => {
  await vi.waitFor(() => expect(typesOf(siem)).toEqual(["scan.finished"]), SOON);
  expect(siem.got[0]?.event.data).toMatchObject({ account: "default", failedUsers: 0 });
  await vi.waitFor(() => expect(linesOf("webhook.delivered")).toHaveLength(1), SOON);
  expect(linesOf("webhooks.in_use")).toMatchObject([{ receivers: ["siem"] }]);
});

test("a file with a mistake keeps the old receivers, and says so", async () => {
  await writeFile(JSON.stringify({ receivers: { siem: { ...siemEntry["siem"], url: "http://a.example" } } }));
  await vi.waitFor(() => expect(linesOf("webhooks.unusable")).toHaveLength(1), SOON);
  expect(JSON.stringify(linesOf("webhooks.unusable"))).toContain(
    "receivers.siem.url must be an https address",
  );
  expect(await partsOf()).toContainEqual(
    expect.objectContaining({ state: "degraded", problem: expect.stringContaining("webhooks.unusable") }),
  );
  await scan();
  await vi.waitFor(() => expect(typesOf(siem)).toHaveLength(2), SOON);
});

test("a changed file is used without a restart", async () => {
  const receivers = {
    ...entryOf("siem", siem, "scan.finished"),
    ...entryOf("pager", pager, "scan.finished"),
  };
  await writeFile(JSON.stringify({ receivers }));
  await vi.waitFor(() => expect(linesOf("webhooks.in_use")).toHaveLength(2), SOON);
  await scan();
  await vi.waitFor(() => expect(typesOf(pager)).toHaveLength(1), SOON);
  await vi.waitFor(() => expect(typesOf(siem)).toHaveLength(3), SOON);
});

test("health and metrics show a receiver that fails, and one that answered 410", async () => {
  siem.answer = (_got, response) => void response.writeHead(500).end();
  pager.answer = (_got, response) => void response.writeHead(410).end();
  await scan();
  await vi.waitFor(async () => {
    expect(await partsOf()).toMatchObject([
      { state: "ok" },
      { of: "pager", state: "degraded", problem: expect.stringContaining("HTTP 410") },
      { of: "siem", state: "degraded", problem: "It answered HTTP 500." },
    ]);
  }, SOON);
  const { text } = await admin.get("/metrics");
  expect(text).toContain('webhook_attempts_total{receiver="siem",outcome="delivered"} 3');
  expect(text).toContain('webhook_events_waiting{receiver="siem"} 1');
  expect(text).toContain('webhook_events_dead{receiver="siem"} 0');
  expect(linesOf("webhook.receiver_disabled")).toHaveLength(1);
});

test("no log line and no row has a secret or the path of an address", async () => {
  const { db } = await openTestPostgres(DATABASE_URL);
  const { rows } = await sql<{ stored: string }>`
    select schema_to_xml('public', false, true, '')::text as stored`.execute(db);
  for (const text of [lines.join(""), rows[0]?.stored ?? ""]) {
    expect(text).toContain("siem");
    expect(text).not.toContain("a-token-in-the-path");
    expect(text).not.toContain(siem.secret.slice("whsec_".length));
  }
});
