import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startGateway } from "../support/start-gateway.ts";

async function openConnection(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

test("an unused connection does not delay the stop", async () => {
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
