import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { generate } from "selfsigned";
import { beforeAll, expect, test } from "vitest";
import { FakeClock } from "../support/fake-clock.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";

const GET = "GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n";

async function open({ gateway }: StartedGateway, localAddress = "127.0.0.1"): Promise<Socket> {
  const { port } = new URL(gateway.address.url);
  const socket = connect({ host: "127.0.0.1", port: Number(port), localAddress });
  whenOver(async () => void socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Sends a text. Resolves with the first bytes of the response, or with undefined if the connection ends. */
function ask(socket: Socket, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once("data", (bytes) => resolve(bytes.toString()));
    socket.once("close", () => resolve(undefined));
    if (socket.destroyed) resolve(undefined);
    else socket.write(text);
  });
}

/** Sends one request and returns whether the gateway serves the connection, which is idle afterwards. */
const isServed = async (socket: Socket) => (await ask(socket, GET))?.startsWith("HTTP/1.1 200") ?? false;

async function openServed(gateway: StartedGateway, count: number, address?: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = await open(gateway, address);
    if (!(await isServed(socket))) throw new Error(`Connection ${index} was not served.`);
    sockets.push(socket);
  }
  return sockets;
}

test("one address gets at most a quarter of all connections, and other addresses get the rest", async () => {
  const gateway = await startGateway({ env: { MAX_CONNECTIONS: "20" } });
  const own = await openServed(gateway, 5);
  for (let more = 0; more < 20; more++) expect(await isServed(await open(gateway))).toBe(false);
  expect(await isServed(await open(gateway, "127.0.0.2"))).toBe(true);
  for (const socket of own) expect(await isServed(socket)).toBe(true);
  const refusals = gateway.logLines.filter((line) => line.includes("connections were refused"));
  expect(refusals.map((line) => JSON.parse(line))).toMatchObject([
    { level: "warn", kind: "address", address: "127.0.0.1", connections: 1 },
  ]);
});

/** For tests that use addresses of their own. */
let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway({ env: { MAX_CONNECTIONS: "20" } });
});

test("an address may open another connection after one of its connections ends", async () => {
  const own = "127.0.0.10";
  const [first] = await openServed(shared, 5, own);
  first?.destroy();
  await expect.poll(async () => isServed(await open(shared, own))).toBe(true);
});

test.each([
  ["send nothing", "", "127.0.0.11"],
  ["send one byte", "G", "127.0.0.12"],
  ["send half of their headers", "GET /graphql HTTP/1.1\r\nhost: gateway\r\n", "127.0.0.13"],
  [
    "send half of a body",
    "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    "127.0.0.14",
  ],
])("connections of one address that %s do not block another address", async (_what, text, address) => {
  for (let count = 0; count < 30; count++) (await open(shared, address)).write(text);
  expect(await isServed(await open(shared, "127.0.0.2"))).toBe(true);
});

test("a trusted proxy may use all connections", async () => {
  const env = { MAX_CONNECTIONS: "20", AUTH_PROXY_ADDRESSES: "127.0.0.1,192.0.2.0/24" };
  const gateway = await startGateway({ env });
  await openServed(gateway, 20);
  expect(gateway.logLines.join("\n")).not.toContain("connections were refused");
});

test("if all connections are in use, the connection that is idle for longest is closed for a new one", async () => {
  const gateway = await startGateway({ env: { MAX_CONNECTIONS: "8" } });
  const sockets: Socket[] = [];
  for (const host of [2, 3, 4, 5]) sockets.push(...(await openServed(gateway, 2, `127.0.0.${host}`)));
  const [first, second] = sockets;
  // After another request, it is the connection with the shortest idle time.
  expect(first && (await isServed(first))).toBe(true);
  expect(await isServed(await open(gateway, "127.0.0.6"))).toBe(true);
  expect(first && (await isServed(first))).toBe(true);
  expect(second && (await isServed(second))).toBe(false);
});

test("a proxy's connection is closed for a new one only after all others", async () => {
  const env = { MAX_CONNECTIONS: "8", AUTH_PROXY_ADDRESSES: "127.0.0.2" };
  const gateway = await startGateway({ env });
  const proxies = await openServed(gateway, 6, "127.0.0.2");
  const [first, second] = await openServed(gateway, 2, "127.0.0.3");
  expect(await isServed(await open(gateway, "127.0.0.4"))).toBe(true);
  for (const socket of proxies) expect(await isServed(socket)).toBe(true);
  expect([first?.destroyed, second?.destroyed]).toEqual([true, false]);
});

test("refused connections are logged once a minute, with their number", async () => {
  // CAM answers only callers with a right clock, and the start waits for its first answer.
  const clock = new FakeClock(Date.now());
  const gateway = await startGateway({ env: { MAX_CONNECTIONS: "8" }, clock });
  await openServed(gateway, 2);
  const lines = () =>
    gateway.logLines
      .filter((line) => line.includes("connections were refused"))
      .map((line) => JSON.parse(line).connections);
  for (let count = 0; count < 7; count++) await isServed(await open(gateway));
  expect(lines()).toEqual([1]);
  await clock.advance(60_000);
  await isServed(await open(gateway));
  expect(lines()).toEqual([1, 7]);
});

test("over TLS an address has the same limit, which includes unfinished handshakes, and closed connections free it", async () => {
  const folder = await temporaryFolder();
  const { cert, private: key } = await generate([{ name: "commonName", value: "gateway" }]);
  const gateway = await startGateway({
    env: {
      MAX_CONNECTIONS: "20",
      TLS_CERT_FILE: await folder.write("cert.pem", cert),
      TLS_KEY_FILE: await folder.write("key.pem", key),
    },
  });
  const served = async (localAddress: string) => {
    const socket = connectTls({ socket: await open(gateway, localAddress), rejectUnauthorized: false });
    socket.on("error", () => undefined);
    return { socket, isServed: await isServed(socket) };
  };
  const handshakes = await Promise.all([1, 2, 3].map(() => open(gateway)));
  for (const socket of handshakes) socket.write(Buffer.from([0x16, 0x03, 0x01]));
  const [fourth, fifth, sixth] = [
    await served("127.0.0.1"),
    await served("127.0.0.1"),
    await served("127.0.0.1"),
  ];
  expect([fourth.isServed, fifth.isServed, sixth.isServed]).toEqual([true, true, false]);
  expect((await served("127.0.0.2")).isServed).toBe(true);
  fourth.socket.destroy();
  await expect.poll(async () => (await served("127.0.0.1")).isServed).toBe(true);
});
