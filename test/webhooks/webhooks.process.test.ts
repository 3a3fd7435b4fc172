import { beforeAll, expect, test, vi } from "vitest";
import { buildGateway, startGatewayProcess } from "../support/gateway-process.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { passTime } from "./open-replica.ts";
import { startReceiver } from "./start-receiver.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(buildGateway);

test("an event that a killed gateway had sent is delivered again with its id", async () => {
  const receiver = await startReceiver();
  const folder = await temporaryFolder();
  const secrets = [{ variable: "SIEM_SECRET" }];
  const siem = { url: receiver.origin, secrets, events: ["scan.finished"] };
  const DATABASE_URL = await createTestPostgres();
  const env = {
    ...{ DATABASE_URL, PORT: "0", PLAYGROUND: "off", CONSOLE: "off", SIEM_SECRET: receiver.secret },
    WEBHOOKS_FILE: await folder.write("webhooks.json", JSON.stringify({ receivers: { siem } })),
  };
  const arrived = Promise.withResolvers<void>();
  receiver.answer = () => arrived.resolve();
  const killed = await startGatewayProcess(["--local"], env);
  await arrived.promise;
  killed.signal("SIGKILL");
  await killed.ended;
  receiver.answer = (_got, response) => void response.writeHead(204).end();
  // The lease of the killed process is over.
  await passTime(await openTestPostgres(DATABASE_URL), 30_000);
  await startGatewayProcess(["--local"], env);
  await vi.waitFor(() => expect(receiver.got.length).toBeGreaterThan(1), { timeout: 60_000 });
  const [first, second] = receiver.got;
  expect(second).toMatchObject({ id: first?.id, event: first?.event });
});
