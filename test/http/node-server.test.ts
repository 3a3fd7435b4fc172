import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { generate } from "selfsigned";
import { beforeAll, describe, expect, test } from "vitest";
import { securityHeaders } from "../../src/http/security-headers.ts";
import { ALICE } from "../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

/** Sends bytes and returns everything that the gateway sends until the connection ends. */
async function send(bytes: string, { gateway } = shared): Promise<string> {
  const { port } = new URL(gateway.address.url);
  const socket = connect({ host: "127.0.0.1", port: Number(port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(bytes, "latin1");
  return text(socket);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

function parse(answer: string): Answer {
  const [head = "", body = ""] = answer.split(/\r\n\r\n(.*)/s);
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines
    .map((line) => line.split(/:\s*(.*)/s, 2))
    .map(([name = "", value = ""]) => [name.toLowerCase(), value]);
  return {
    status: Number(first.split(" ")[1]),
    headers: Object.fromEntries(headers),
    body: JSON.parse(body),
  };
}

const HOST = "host: gateway\r\n";
const CLOSE = "connection: close\r\n";

describe("a request that Node refuses gets an error in the usual form:", () => {
  test.each<readonly [what: string, bytes: string, status: number, code: string]>([
    ["no Host", `GET /graphql HTTP/1.1\r\n${CLOSE}\r\n`, 400, "BAD_REQUEST"],
    ["no Host in a probe", `GET /health/live HTTP/1.1\r\n${CLOSE}\r\n`, 400, "BAD_REQUEST"],
    ["two Hosts", `GET /graphql HTTP/1.1\r\n${HOST}Host: other\r\n${CLOSE}\r\n`, 400, "BAD_REQUEST"],
    ["an invalid Host", `GET /graphql HTTP/1.1\r\nhost: a b\r\n${CLOSE}\r\n`, 400, "BAD_REQUEST"],
    ["an odd Expect", `GET /graphql HTTP/1.1\r\n${HOST}expect: tea\r\n\r\n`, 417, "EXPECTATION_FAILED"],
    [
      "an odd Expect with a body",
      `POST /graphql HTTP/1.1\r\n${HOST}expect: 200-ok\r\ncontent-length: 2\r\n\r\n{}`,
      417,
      "EXPECTATION_FAILED",
    ],
    ["an unknown method", `BREW / HTTP/1.1\r\n${HOST}\r\n`, 400, "BAD_REQUEST"],
    ["CONNECT", `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 405, "METHOD_NOT_ALLOWED"],
    ["HTTP/0.9", "GET /\r\n\r\n", 400, "BAD_REQUEST"],
    ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "BAD_REQUEST"],
    ["a request line with an extra space", `GET /a b HTTP/1.1\r\n${HOST}\r\n`, 400, "BAD_REQUEST"],
    [
      "a content length and chunks",
      `POST / HTTP/1.1\r\n${HOST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      "BAD_REQUEST",
    ],
    [
      "two content lengths",
      `POST / HTTP/1.1\r\n${HOST}content-length: 5\r\ncontent-length: 6\r\n\r\nxxxxx`,
      400,
      "BAD_REQUEST",
    ],
    ["a header without a colon", `GET / HTTP/1.1\r\n${HOST}x\r\n\r\n`, 400, "BAD_REQUEST"],
    ["a header with a NUL", `GET / HTTP/1.1\r\n${HOST}x: a\u0000b\r\n\r\n`, 400, "BAD_REQUEST"],
    ["a folded header", `GET / HTTP/1.1\r\n${HOST}x: a\r\n b\r\n\r\n`, 400, "BAD_REQUEST"],
    ["a long header", `GET / HTTP/1.1\r\n${HOST}x: ${"a".repeat(33_000)}\r\n\r\n`, 431, "HEADERS_TOO_LARGE"],
    ["a long address", `GET /${"a".repeat(33_000)} HTTP/1.1\r\n${HOST}\r\n`, 431, "HEADERS_TOO_LARGE"],
    ["an invalid address", `GET /%zz HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 400, "BAD_REQUEST"],
    [
      "a broken chunk",
      `POST /graphql HTTP/1.1\r\n${HOST}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
      400,
      "BAD_REQUEST",
    ],
    ["TRACE", `TRACE /graphql HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 405, "METHOD_NOT_ALLOWED"],
    ["PROPFIND", `PROPFIND /graphql?a=b HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 405, "METHOD_NOT_ALLOWED"],
  ])("%s", async (_what, bytes, status, code) => {
    const answer = parse(await send(bytes));
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      ...securityHeaders(false),
      "content-type": "application/json; charset=utf-8",
      connection: "close",
    });
    const requestId = answer.headers["x-request-id"];
    expect(requestId).toMatch(/./);
    expect(answer.body).toEqual({
      errors: [{ message: expect.stringMatching(/\.$/), extensions: { code, requestId } }],
    });
    expect((await shared.send("{ __typename }")).status).toBe(200);
  });
});

test.each([
  ["HTTP/1.0 without a Host", "GET /health/live HTTP/1.0\r\n\r\n"],
  ["a Host with a port", `GET /health/live HTTP/1.1\r\nhost: [::1]:4000\r\n${CLOSE}\r\n`],
  ["an empty Host", `GET /health/live HTTP/1.1\r\nhost: \r\n${CLOSE}\r\n`],
  [
    "an upgrade that is not offered",
    `GET /health/live HTTP/1.1\r\n${HOST}connection: upgrade, close\r\nupgrade: websocket\r\n\r\n`,
  ],
])("%s is served", async (_what, bytes) => {
  expect(await send(bytes)).toMatch(/^HTTP\/1\.1 200 /);
});

test("a client that expects 100-continue gets it before the response", async () => {
  const body = '{"query":"{ __typename }"}';
  const head = `POST /graphql HTTP/1.1\r\n${HOST}${CLOSE}content-type: application/json\r\nexpect: 100-continue\r\n`;
  const answer = await send(`${head}content-length: ${body.length}\r\n\r\n${body}`);
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
});

test("a change gets its response before the invalid request after it on the connection is refused", async () => {
  const gateway = await startGateway();
  const query = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { stoken: true }) { requestId } }`;
  const body = JSON.stringify({ query });
  const head = `POST /graphql HTTP/1.1\r\n${HOST}content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  const answer = await send(`${head}\r\n${body}no HTTP at all\r\n\r\n`, gateway);
  const [first = "", second = ""] = answer.split(/(?=HTTP\/1\.1 400)/);
  expect(parse(first)).toMatchObject({ status: 200, body: { data: { setSubUserMfa: {} } } });
  expect(parse(second)).toMatchObject({ status: 400, body: { errors: [{ extensions: {} }] } });
});

test("plain HTTP on the TLS port is closed, and the gateway keeps serving", async () => {
  const folder = await temporaryFolder();
  const { cert, private: key } = await generate([{ name: "commonName", value: "gateway" }]);
  const gateway = await startGateway({
    env: {
      TLS_CERT_FILE: await folder.write("cert.pem", cert),
      TLS_KEY_FILE: await folder.write("key.pem", key),
    },
  });
  for (let time = 0; time < 3; time++) await send(`GET / HTTP/1.1\r\n${HOST}\r\n`, gateway);
});

test.each([
  [{}, "timeout=620"],
  [{ KEEP_ALIVE_TIMEOUT_S: "30" }, "timeout=30"],
])("with %j a connection is kept for %s", async (env, hint) => {
  const { http } = await startGateway({ env });
  const response = await http.get("/health/live").set("connection", "keep-alive");
  expect(response.headers["keep-alive"]).toBe(hint);
});
