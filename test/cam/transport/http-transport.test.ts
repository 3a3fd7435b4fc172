import { Agent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { createDispatcher } from "../../../src/cam/transport/connection-pool.ts";
import {
  HttpTransport,
  MAX_REPLY_BYTES,
  type TransportRequest,
} from "../../../src/cam/transport/http-transport.ts";
import { closedPort } from "../../support/closed-port.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { cut, reply, type StubAnswer, silence, startStubCam } from "../../support/start-stub-cam.ts";

function createTransport(dispatcher = createDispatcher()) {
  const clock = new FakeClock();
  const transport = new HttpTransport({ dispatcher, clock });
  onTestFinished(() => transport.close());
  const log: string[] = [];
  /** Posts, and adds the body to the log just before the first byte is written. */
  const post = (origin: string, body = "{}", more: Partial<TransportRequest> = {}) =>
    transport.post({
      origin,
      headers: { "content-type": "application/json" },
      body,
      timeoutMs: 1_000,
      onSend: () => log.push(body) > 0,
      ...more,
    });
  return { clock, transport, post, log };
}

const headThen =
  (body: string): StubAnswer =>
  (socket) =>
    void socket.end(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n${body}`,
    );

test("post returns the status, type, date and text of a reply", async () => {
  const date = "Tue, 24 Nov 2026 12:00:00 GMT";
  const cam = await startStubCam(
    reply({ status: "201 Created", contentType: "text/plain", date, body: "名" }),
  );
  const { post } = createTransport();
  await expect(post(cam.url)).resolves.toEqual({ status: 201, contentType: "text/plain", date, body: "名" });
});

test("connections are kept for later requests", async () => {
  const cam = await startStubCam(reply());
  const { post } = createTransport();
  for (let request = 0; request < 10; request++) await post(cam.url);
  // The connection of a request is still busy in the tick in which the next begins, so that two may be open.
  expect(cam.connections()).toBeLessThanOrEqual(2);
});

test("a missing header is undefined, and an empty one is an empty string", async () => {
  const cam = await startStubCam(reply({ contentType: "", body: "" }));
  const { post } = createTransport();
  await expect(post(cam.url)).resolves.toEqual({ status: 200, contentType: "", date: undefined, body: "" });
});

test.each([
  ["the connection closes after the request was read", cut, "CONNECTION_LOST"],
  ["the connection closes within the headers", (s) => s.end("HTTP/1.1 200 OK\r\nCont"), "CONNECTION_LOST"],
  ["the connection closes within the body", headThen('{"Response":{'), "CONNECTION_LOST"],
  ["the connection is reset", (s) => s.resetAndDestroy(), "CONNECTION_LOST"],
  ["the reply is not HTTP", (s) => s.end("SSH-2.0-OpenSSH_9.6\r\n"), "CONNECTION_LOST"],
  ["the reply is too large", reply({ body: "x".repeat(MAX_REPLY_BYTES + 1) }), "REPLY_TOO_LARGE"],
] satisfies [string, StubAnswer, string][])(
  "if %s, the request counts as sent",
  async (_, answer, reason) => {
    const cam = await startStubCam(answer, reply());
    const { post, log, clock } = createTransport();
    await expect(post(cam.url, "first")).rejects.toMatchObject({
      name: "TransportError",
      reason,
      sent: true,
    });
    expect(log).toEqual(["first"]);
    expect(clock.pendingTimers).toBe(0);
    await expect(post(cam.url, "second")).resolves.toMatchObject({ status: 200 });
    expect(cam.requests).toHaveLength(2);
  },
);

test("a reply of the maximum size is accepted", async () => {
  const cam = await startStubCam(reply({ body: "x".repeat(MAX_REPLY_BYTES) }));
  const { post } = createTransport();
  expect((await post(cam.url)).body).toHaveLength(MAX_REPLY_BYTES);
});

test.each([
  ["with a byte order mark is read without it", Buffer.from('\uFEFF{"a":"张"}'), '{"a":"张"}'],
  ["that is not UTF-8 has an empty text", Buffer.from([0x22, 0xd5, 0xc5, 0xc8, 0xfd, 0x22]), ""],
  ["that ends within a character has an empty text", Buffer.from([0x22, 0xe5, 0xbc]), ""],
])("a reply %s", async (_what, bytes, body) => {
  const cam = await startStubCam((socket) => {
    const head = `HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: ${bytes.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), bytes]));
  });
  const { post } = createTransport();
  await expect(post(cam.url)).resolves.toMatchObject({ status: 502, body });
});

test("an interim response is skipped", async () => {
  const cam = await startStubCam((socket, request) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\nLink: </x>\r\n\r\n");
    reply()(socket, request);
  });
  const { post } = createTransport();
  await expect(post(cam.url)).resolves.toMatchObject({ status: 200, contentType: "application/json" });
});

test("a redirect is returned and not followed", async () => {
  const cam = await startStubCam((socket) => {
    socket.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
  });
  const { post } = createTransport();
  await expect(post(cam.url)).resolves.toMatchObject({ status: 302 });
  expect(cam.requests).toHaveLength(1);
});

const unreachable: [string, () => Promise<string>, RegExp][] = [
  ["the port is closed", async () => `http://127.0.0.1:${await closedPort()}`, /ECONNREFUSED/],
  // RFC 2606 reserves .invalid. Without a network the resolver is unreachable or does not answer.
  ["the name is unknown", async () => "http://cam.invalid", /ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT/],
];

test.each(unreachable)("if %s, the request counts as not sent", async (_, address, code) => {
  const { post, log, clock } = createTransport();
  await expect(post(await address())).rejects.toMatchObject({
    reason: "CONNECT_FAILED",
    sent: false,
    cause: { code: expect.stringMatching(code) },
  });
  expect(log).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test("a request that cannot be written as HTTP is not sent", async () => {
  const cam = await startStubCam(reply());
  const { post } = createTransport();
  const headers = { authorization: "a line\nand another" };
  await expect(post(cam.url, "{}", { headers })).rejects.toMatchObject({
    reason: "CONNECT_FAILED",
    sent: false,
  });
  expect(cam.requests).toEqual([]);
});

test("a request without a reply ends at its timeout", async () => {
  const cam = await startStubCam(silence, reply());
  const { post, clock } = createTransport();
  const posting = post(cam.url);
  await cam.requestCount(1);
  await Promise.all([
    expect(posting).rejects.toMatchObject({ reason: "TIMEOUT", sent: true }),
    clock.advance(1_000),
  ]);
  await expect(post(cam.url)).resolves.toMatchObject({ status: 200 });
});

test("a request that times out within its reply counts as sent", async () => {
  const cam = await startStubCam((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  });
  const { post, clock } = createTransport();
  const posting = post(cam.url);
  await cam.requestCount(1);
  await Promise.all([
    expect(posting).rejects.toMatchObject({ reason: "TIMEOUT", sent: true }),
    clock.advance(1_000),
  ]);
});

test("an abort ends the exchange, and its late reply is dropped", async () => {
  const cam = await startStubCam(silence, reply());
  const { post, clock } = createTransport();
  const controller = new AbortController();
  const posting = post(cam.url, "{}", { signal: controller.signal });
  await cam.requestCount(1);
  controller.abort();
  await expect(posting).rejects.toMatchObject({ reason: "ABORTED", sent: true });
  expect(clock.pendingTimers).toBe(0);
  await expect(post(cam.url)).resolves.toMatchObject({ status: 200 });
});

test("a request with an already aborted signal opens no connection", async () => {
  const cam = await startStubCam(reply());
  const { post, log } = createTransport();
  const signal = AbortSignal.abort();
  await expect(post(cam.url, "{}", { signal })).rejects.toMatchObject({ reason: "ABORTED", sent: false });
  await expect(post(cam.url, "other")).resolves.toMatchObject({ status: 200 });
  expect(log).toEqual(["other"]);
  expect(cam.connections()).toBe(1);
});

test.each(["TIMEOUT", "ABORTED"] as const)(
  "a request that ends as %s while it waits for a connection is never sent",
  async (reason) => {
    let answerFirst: (() => void) | undefined;
    const cam = await startStubCam((socket, request) => {
      answerFirst = () => reply()(socket, request);
    }, reply());
    const { post, clock, log } = createTransport(new Agent({ connections: 1, headersTimeout: 0 }));
    const first = post(cam.url, "first", { timeoutMs: 60_000 });
    await cam.requestCount(1);
    const controller = new AbortController();
    const waiting = post(cam.url, "waiting", { signal: controller.signal });
    if (reason === "ABORTED") controller.abort();
    await Promise.all([expect(waiting).rejects.toMatchObject({ reason, sent: false }), clock.advance(1_000)]);
    const last = post(cam.url, "last");
    answerFirst?.();
    await expect(Promise.all([first, last])).resolves.toHaveLength(2);
    expect(log).toEqual(["first", "last"]);
    expect(cam.requests.map((request) => request.split("\r\n\r\n")[1])).toEqual(["first", "last"]);
    // The dropped request cost no connection.
    expect(cam.connections()).toBe(1);
  },
);

test("a request that onSend stops is not written, and its connection stays open", async () => {
  const cam = await startStubCam(reply());
  const { post, log, clock } = createTransport();
  await expect(post(cam.url, "late", { onSend: () => false })).rejects.toMatchObject({
    reason: "SLOT_MISSED",
    sent: false,
  });
  expect(clock.pendingTimers).toBe(0);
  await expect(post(cam.url, "in time")).resolves.toMatchObject({ status: 200 });
  expect(log).toEqual(["in time"]);
  expect(cam.requests).toHaveLength(1);
  expect(cam.connections()).toBe(1);
});

test("closing the transport ends requests in flight, and later requests are not sent", async () => {
  const cam = await startStubCam(silence);
  const { post, transport } = createTransport();
  const posting = post(cam.url);
  await cam.requestCount(1);
  await Promise.all([
    expect(posting).rejects.toMatchObject({ reason: "CONNECTION_LOST", sent: true }),
    transport.close(),
  ]);
  await expect(post(cam.url)).rejects.toMatchObject({ reason: "CONNECT_FAILED", sent: false });
});
