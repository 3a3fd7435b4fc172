import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { generate } from "selfsigned";
import { expect, onTestFinished, test } from "vitest";
import { describeSafeAuthFlagColl } from "../../src/cam/index.ts";
import { systemClock } from "../../src/clock.ts";
import type { Uin } from "../../src/contract/index.ts";
import { Secret } from "../../src/secret.ts";
import { closedPort } from "../support/closed-port.ts";
import { type CamOptions, createCam, within } from "../support/create-cam.ts";
import { cut, reply, silence, startStubCam } from "../support/start-stub-cam.ts";

const ALICE = "100021969091" as Uin;
const HTML = "<html>user:hunter2</html>";

/** Makes one call and returns the reported cause of its first failed attempt. */
async function failureOf(url: string, options: CamOptions<typeof systemClock> = {}) {
  const { client, attempts } = createCam(url, {
    clock: systemClock,
    config: { timeoutMs: 2_000 },
    ...options,
  });
  const call = client.call(describeSafeAuthFlagColl, { subUin: ALICE }, within(systemClock, { ms: 2_500 }));
  await expect(call).rejects.toThrow();
  return attempts[0]?.error?.failure;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

function startSockets(onSocket: (socket: Socket) => void): Promise<number> {
  return listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      onSocket(socket);
    }),
  );
}

interface Certificate {
  readonly ip?: string;
  readonly isTrusted?: boolean;
  readonly years?: readonly [from: number, to: number];
}

/** Starts a TLS server with a self-signed certificate and returns its port. */
async function startTls({ ip = "127.0.0.1", isTrusted = true, years }: Certificate): Promise<number> {
  const [from, to] = years ?? [2000, 2100];
  const pair = await generate([{ name: "commonName", value: "causes" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip }] }],
    notBeforeDate: new Date(Date.UTC(from, 0)),
    notAfterDate: new Date(Date.UTC(to, 0)),
  });
  if (isTrusted) {
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, pair.cert]);
    onTestFinished(() => setDefaultCACertificates(before));
  }
  const answer: RequestListener = (_request, response) => void response.end("{}");
  return listen(createTlsServer({ key: pair.private, cert: pair.cert }, answer));
}

test.each<[what: string, start: () => Promise<string>, failure: object]>([
  [
    "an unknown DNS name",
    async () => "https://nowhere.invalid",
    { cause: "ENOTFOUND", address: "nowhere.invalid", why: expect.stringContaining("DNS cannot resolve") },
  ],
  [
    "a closed port",
    async () => `http://127.0.0.1:${await closedPort()}`,
    { cause: "ECONNREFUSED", address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), why: expect.any(String) },
  ],
  [
    "a plain HTTP port under an https URL",
    async () => `https://127.0.0.1:${await listen(createHttpServer())}`,
    { cause: "ERR_SSL_WRONG_VERSION_NUMBER", why: expect.stringContaining("does not speak TLS") },
  ],
  [
    "a TLS port under an http URL",
    async () => `http://127.0.0.1:${await startTls({})}`,
    { cause: "UND_ERR_SOCKET", why: expect.stringContaining("requires TLS") },
  ],
  [
    "a certificate of an unknown CA",
    async () => `https://127.0.0.1:${await startTls({ isTrusted: false })}`,
    { cause: "DEPTH_ZERO_SELF_SIGNED_CERT", why: expect.stringContaining("NODE_EXTRA_CA_CERTS") },
  ],
  [
    "an expired certificate",
    async () => `https://127.0.0.1:${await startTls({ years: [2000, 2001] })}`,
    { cause: "CERT_HAS_EXPIRED", why: expect.stringContaining("has expired") },
  ],
  [
    "a certificate that is not valid yet",
    async () => `https://127.0.0.1:${await startTls({ years: [2090, 2091] })}`,
    { cause: "CERT_NOT_YET_VALID", why: expect.stringContaining("clock") },
  ],
  [
    "a certificate for another name",
    async () => `https://127.0.0.1:${await startTls({ ip: "127.0.0.9" })}`,
    { cause: "ERR_TLS_CERT_ALTNAME_INVALID", why: expect.stringContaining("does not cover the host name") },
  ],
  [
    "a reset connection",
    async () =>
      `http://127.0.0.1:${await startSockets((socket) => socket.on("data", () => socket.resetAndDestroy()))}`,
    { cause: "ECONNRESET", why: expect.stringContaining("closed the connection") },
  ],
  [
    "a half-closed connection",
    async () => `http://127.0.0.1:${await startSockets((socket) => socket.on("data", () => socket.end()))}`,
    { cause: "UND_ERR_SOCKET", why: expect.stringContaining("closed the connection") },
  ],
  ["a closed connection", async () => (await startStubCam(cut)).url, { cause: "UND_ERR_SOCKET" }],
  [
    "a server of another protocol",
    async () => `http://127.0.0.1:${await startSockets((socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n"))}`,
    { cause: "HTTPParserError", why: expect.stringContaining("does not answer in HTTP") },
  ],
  [
    "no reply",
    async () => (await startStubCam(silence)).url,
    { cause: "TIMEOUT", why: expect.stringContaining("did not complete its reply in time") },
  ],
  [
    "an endless TLS handshake",
    async () => `https://127.0.0.1:${await startSockets(() => undefined)}`,
    { cause: "TIMEOUT", why: expect.stringContaining("No connection was made in time") },
  ],
  [
    "HTML with HTTP 200",
    async () => (await startStubCam(reply({ contentType: "text/html; charset=x", body: HTML }))).url,
    { cause: "BAD_RESPONSE", why: expect.stringContaining("HTTP 200, not application/json but text/html.") },
  ],
  [
    "HTML with HTTP 403",
    async () =>
      (await startStubCam(reply({ status: "403 Forbidden", contentType: "text/html", body: HTML }))).url,
    { cause: "BAD_RESPONSE", why: expect.stringContaining("HTTP 403, not application/json but text/html.") },
  ],
  [
    "HTML with HTTP 502",
    async () => (await startStubCam(reply({ status: "502 Bad", contentType: "text/html", body: HTML }))).url,
    { cause: "BAD_RESPONSE", why: expect.stringContaining("HTTP 502") },
  ],
  [
    "an empty body",
    async () => (await startStubCam(reply({ body: "" }))).url,
    { cause: "BAD_RESPONSE", why: expect.stringContaining("HTTP 200, not JSON.") },
  ],
  [
    "an invalid media type",
    async () => (await startStubCam(reply({ contentType: "user:hunter2", body: "" }))).url,
    { cause: "BAD_RESPONSE", why: expect.stringContaining("no media type") },
  ],
  [
    "a redirect",
    async () => (await startStubCam(reply({ status: "302 Found", contentType: "", body: "" }))).url,
    { cause: "BAD_RESPONSE", why: expect.stringContaining("It is a redirect") },
  ],
])("an attempt that meets %s reports the cause and the remedy", async (_what, start, failure) => {
  const seen = await failureOf(await start());
  expect(seen).toMatchObject(failure);
  expect(JSON.stringify(seen)).not.toContain("hunter2");
});

test.each([
  ["a tunnel", "https://cam.tencentcloudapi.com", 407, "PROXY_407", "requires a login"],
  ["a tunnel", "https://cam.tencentcloudapi.com", 403, "PROXY_403", "HTTP 403"],
  ["a plain request", "http://cam.tencentcloudapi.com", 407, "PROXY_407", "requires a login"],
])("a proxy that answers %s to %s with %d is named as the cause", async (_what, url, status, cause, why) => {
  const server = createHttpServer((_request, response) => void response.writeHead(status).end());
  server.on("connect", (_request, socket: Socket) =>
    socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`),
  );
  const address = new Secret(`http://user:hunter2@127.0.0.1:${await listen(server)}`);
  const seen = await failureOf(url, { proxy: { http: address, https: address } });
  expect(seen).toMatchObject({ cause, why: expect.stringContaining(why) });
  expect(JSON.stringify(seen)).not.toContain("hunter2");
});

test("an unreachable proxy is named by its address", async () => {
  const proxy = { https: new Secret("http://user:hunter2@proxy.invalid:3128") };
  await expect(failureOf("https://cam.tencentcloudapi.com", { proxy })).resolves.toMatchObject({
    cause: "ENOTFOUND",
    address: "proxy.invalid",
  });
});
