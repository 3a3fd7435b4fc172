import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Agent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { ConnectionOpener, OpenConnections } from "../../../src/cam/transport/connection-opener.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { reply, startStubCam } from "../../support/start-stub-cam.ts";

function createOpener() {
  const clock = new FakeClock();
  const dispatcher = new Agent({ connections: 32, keepAliveTimeout: 30_000 });
  onTestFinished(() => dispatcher.destroy());
  const opener = new ConnectionOpener(dispatcher, new OpenConnections(dispatcher), clock);
  const open = (origin: string) => opener.openOne(origin, 60_000);
  /** Connections that are open and carry nothing. */
  const free = (origin: string) => dispatcher.stats[origin];
  return { clock, dispatcher, opener, open, free };
}

test("a connection is open before anything is sent, and nothing is sent", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  await open(cam.url);
  expect(free(cam.url)).toMatchObject({ connected: 1, free: 1 });
  expect(cam.requests).toEqual([]);
});

test("calls that wait at the same time have a connection each", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  await Promise.all(Array.from({ length: 7 }, () => open(cam.url)));
  expect(free(cam.url)).toMatchObject({ connected: 7, free: 7 });
  await open(cam.url);
  expect(free(cam.url)).toMatchObject({ connected: 8, free: 8 });
  expect(cam.requests).toEqual([]);
});

test("a call that waits no longer leaves its connection to the next", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  for (let call = 0; call < 5; call++) {
    const letGo = await open(cam.url);
    letGo();
    letGo();
  }
  expect(free(cam.url)).toMatchObject({ connected: 1, free: 1 });
});

test("no more are opened ahead than a second has calls", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  await Promise.all(Array.from({ length: 50 }, () => open(cam.url)));
  expect(free(cam.url)).toMatchObject({ connected: 20, free: 20 });
});

test("where nobody listens, the call goes on and finds out for itself", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const { open, clock } = createOpener();
  await expect(open(`http://127.0.0.1:${port}`)).resolves.toBeTypeOf("function");
  expect(clock.pendingTimers).toBe(0);
});

test("where opening takes too long, the call goes on after a second, or when its time is over", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => {
    silent.close();
    for (const socket of sockets) socket.destroy();
  });
  // The TLS handshake is never answered.
  const origin = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { opener, clock } = createOpener();
  let isOver = 0;
  void opener.openOne(origin, 60_000).then(() => isOver++);
  void opener.openOne(origin, 300).then(() => isOver++);
  await clock.advance(299);
  expect(isOver).toBe(0);
  await clock.advance(1);
  expect(isOver).toBe(1);
  await clock.advance(700);
  expect(isOver).toBe(2);
});

test("a transport that is closed opens nothing and stops nobody", async () => {
  const cam = await startStubCam(reply());
  const { open, dispatcher } = createOpener();
  await dispatcher.destroy();
  await expect(open(cam.url)).resolves.toBeTypeOf("function");
  expect(cam.connections()).toBe(0);
});
