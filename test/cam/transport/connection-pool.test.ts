import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Agent } from "undici";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  ConnectionOpener,
  createDispatcher,
  OpenConnections,
} from "../../../src/cam/transport/connection-pool.ts";
import { HttpTransport } from "../../../src/cam/transport/http-transport.ts";
import { Secret } from "../../../src/secret.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { startProxy } from "../../support/start-proxy.ts";
import { cut, reply, type StubAnswer, silence, startStubCam } from "../../support/start-stub-cam.ts";

function createOpener() {
  const clock = new FakeClock();
  const dispatcher = new Agent({ connections: 32, keepAliveTimeout: 30_000 });
  onTestFinished(() => dispatcher.destroy());
  const opener = new ConnectionOpener(dispatcher, new OpenConnections(dispatcher), clock);
  const open = (origin: string) => opener.preconnect(origin, 60_000);
  /** Returns undici's counts of the origin's connections. */
  const free = (origin: string) => dispatcher.stats[origin];
  return { clock, dispatcher, opener, open, free };
}

test("preconnect opens a connection and sends nothing", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  await open(cam.url);
  expect(free(cam.url)).toMatchObject({ connected: 1, free: 1 });
  expect(cam.requests).toEqual([]);
});

test("calls that wait at the same time get one connection each", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  await Promise.all(Array.from({ length: 7 }, () => open(cam.url)));
  expect(free(cam.url)).toMatchObject({ connected: 7, free: 7 });
  await open(cam.url);
  expect(free(cam.url)).toMatchObject({ connected: 8, free: 8 });
  expect(cam.requests).toEqual([]);
});

test("a call that stops waiting leaves its connection to the next call", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  for (let call = 0; call < 5; call++) {
    const letGo = await open(cam.url);
    letGo();
    letGo();
  }
  expect(free(cam.url)).toMatchObject({ connected: 1, free: 1 });
});

test("at most 20 connections, the calls of one second, are opened ahead", async () => {
  const cam = await startStubCam(reply());
  const { open, free } = createOpener();
  await Promise.all(Array.from({ length: 50 }, () => open(cam.url)));
  expect(free(cam.url)).toMatchObject({ connected: 20, free: 20 });
});

test("a refused connection does not reject the wait", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const { open, clock } = createOpener();
  await expect(open(`http://127.0.0.1:${port}`)).resolves.toBeTypeOf("function");
  expect(clock.pendingTimers).toBe(0);
});

test("the wait for a slow connection ends after a second or at the deadline", async () => {
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
  void opener.preconnect(origin, 60_000).then(() => isOver++);
  void opener.preconnect(origin, 300).then(() => isOver++);
  await clock.advance(299);
  expect(isOver).toBe(0);
  await clock.advance(1);
  expect(isOver).toBe(1);
  await clock.advance(700);
  expect(isOver).toBe(2);
});

test("preconnect on a closed dispatcher opens nothing and does not reject", async () => {
  const cam = await startStubCam(reply());
  const { open, dispatcher } = createOpener();
  await dispatcher.destroy();
  await expect(open(cam.url)).resolves.toBeTypeOf("function");
  expect(cam.connections()).toBe(0);
});

/** Sends concurrent posts to a CAM with this answer. Returns undici's count of free connections and the gateway's. */
async function afterPosts(answer: StubAnswer, posts: number) {
  const cam = await startStubCam(answer);
  const clock = new FakeClock();
  const dispatcher = new Agent({ connections: 4, keepAliveTimeout: 30_000 });
  const connections = new OpenConnections(dispatcher);
  const transport = new HttpTransport({ dispatcher, clock });
  onTestFinished(() => transport.close());
  const request = { origin: cam.url, headers: {}, body: "{}", timeoutMs: 1_000 };
  const ends = Array.from({ length: posts }, () => {
    const release = connections.use(cam.url);
    return transport.post(request).then(release, release);
  });
  const undicis = () => (dispatcher.stats[cam.url] as { free: number } | undefined)?.free ?? 0;
  return { cam, clock, undicis, connections, ends: Promise.all(ends) };
}

test.for([
  ["replies", reply(), 4],
  ["cut connections", cut, 0],
] as const)("after %s, the count of free connections equals undici's", async ([, answer, free]) => {
  const { cam, undicis, connections, ends } = await afterPosts(answer, 9);
  await ends;
  await expect.poll(undicis).toBe(free);
  expect(connections.free(cam.url)).toBe(free);
});

test("posts that time out close their connections", async () => {
  const { cam, clock, connections, ends } = await afterPosts(silence, 3);
  await expect.poll(() => cam.requests).toHaveLength(3);
  expect(connections.free(cam.url)).toBe(0);
  await clock.advance(1_000);
  await ends;
  await expect.poll(() => connections.free(cam.url)).toBe(0);
});

test("a connection in use is not free until it is released", async () => {
  const { cam, connections, ends } = await afterPosts(reply(), 1);
  await ends;
  const release = connections.use(cam.url);
  expect(connections.free(cam.url)).toBe(0);
  release();
  expect(connections.free(cam.url)).toBe(1);
});

interface Proxies {
  readonly http?: string;
  readonly https?: string;
  readonly except?: string;
}

function post(origin: string, { http, https, except }: Proxies = {}) {
  const dispatcher = createDispatcher({
    proxy: {
      ...(http !== undefined && { http: new Secret(http) }),
      ...(https !== undefined && { https: new Secret(https) }),
      ...(except !== undefined && { except }),
    },
  });
  const transport = new HttpTransport({ dispatcher, clock: new FakeClock() });
  onTestFinished(() => transport.close());
  const headers = { host: "cam.tencentcloudapi.com" };
  return transport.post({ origin, headers, body: "{}", timeoutMs: 5_000 });
}

test("a call goes through the proxy under its own Host, except to hosts that are excepted", async () => {
  const cam = await startStubCam(reply());
  const proxy = await startProxy();
  await expect(post(cam.url, { http: proxy.url })).resolves.toMatchObject({ status: 200 });
  await expect(post(cam.url, { http: proxy.url, except: "127.0.0.1" })).resolves.toMatchObject({
    status: 200,
  });
  await expect(post(cam.url, { https: proxy.url })).resolves.toMatchObject({ status: 200 });
  expect(proxy.asked).toEqual([`POST ${cam.url}/`]);
  expect(cam.requests.map((text) => /^host: *(.*)$/im.exec(text)?.[1])).toEqual([
    "cam.tencentcloudapi.com",
    "cam.tencentcloudapi.com",
    "cam.tencentcloudapi.com",
  ]);
});

test.each(["http", "https"] as const)(
  "with only an %s proxy set, TLS is tunnelled through it, and a refused tunnel counts as not sent",
  async (setting) => {
    const proxy = await startProxy();
    await expect(post("https://cam.invalid", { [setting]: proxy.url })).rejects.toMatchObject({
      reason: "CONNECT_FAILED",
      sent: false,
    });
    expect(proxy.asked).toEqual(["CONNECT cam.invalid:443"]);
  },
);

test("the transport ignores the proxy variables of the process environment", async () => {
  const cam = await startStubCam(reply());
  const proxy = await startProxy();
  for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]) vi.stubEnv(name, proxy.url);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  await expect(post(cam.url, undefined)).resolves.toMatchObject({ status: 200 });
  await expect(post(cam.url, { https: proxy.url })).resolves.toMatchObject({ status: 200 });
  expect(proxy.asked).toEqual([]);
});
