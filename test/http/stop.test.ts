import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "../support/fake-clock.ts";
import { startGateway } from "../support/start-gateway.ts";

async function openConnection(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Sends a request on a connection, and returns the response. */
async function ask(socket: Socket): Promise<string> {
  socket.write("GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n");
  const [response] = await once(socket, "data");
  return String(response);
}

test("a request that arrives on an open connection after the stop is answered, and ends the connection", async () => {
  const clock = new FakeClock(Date.now());
  const { gateway } = await startGateway({ clock });
  const { url } = gateway.address;
  const [busy, idle, unused] = [
    await openConnection(url),
    await openConnection(url),
    await openConnection(url),
  ];
  expect(await ask(busy)).not.toMatch(/^connection: close/im);
  await ask(idle);
  const ends = [busy, idle, unused].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  const stopped = gateway.stop();
  await expect.poll(() => fetch(url).then(String, () => "refused")).toBe("refused");
  const last = await ask(busy);
  expect(last).toMatch(/^HTTP\/1.1 200 /);
  expect(last).toMatch(/^connection: close/im);
  await ends[0];
  expect([idle.destroyed, unused.destroyed]).toEqual([false, false]);
  await clock.advance(500);
  await Promise.all([...ends, stopped]);
});

test("an unused connection delays the stop by half a second", async () => {
  const { gateway } = await startGateway();
  const socket = await openConnection(gateway.address.url);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await gateway.stop();
  await closed;
  expect(socket.destroyed).toBe(true);
});

test("half a request delays the stop at most for the deadline of an operation", async () => {
  const { gateway } = await startGateway({ env: { CAM_TIMEOUT_MS: "300", CAM_DEADLINE_MS: "300" } });
  const socket = await openConnection(gateway.address.url);
  socket.write("POST /graphql HTTP/1.1\r\nhost: gateway\r\n");
  await gateway.stop();
  // Not `once` of node:events, which rejects on the connection reset that may come first.
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
});
