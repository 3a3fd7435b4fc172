import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isCamErrorExtensions } from "../../src/contract/index.ts";
import { CallerRate } from "../../src/http/caller-rate.ts";
import { shareGateway, startGateway } from "../support/start-gateway.ts";

const { gateway, send } = await shareGateway();

test("a caller above the rate gets a GraphQL error with HTTP 200 and without Retry-After", async () => {
  const { send, cam } = await startGateway({ env: { CALLER_RATE_PER_SECOND: "1" } });
  for (let request = 0; request < 10; request++) expect((await send("{ __typename }")).errors).toEqual([]);
  const { status, headers, errors } = await send(
    "mutation { setSubUserMfa(opUin: 1, login: { phone: true }) { requestId } }",
  );
  expect(status).toBe(200);
  expect(headers).not.toHaveProperty("retry-after");
  expect(errors).toMatchObject([
    {
      extensions: { code: "CALLER_RATE_LIMITED", category: "THROTTLED", requestId: headers["x-request-id"] },
    },
  ]);
  expect(errors[0]?.extensions).toSatisfy(isCamErrorExtensions);
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});

test("each caller has a separate count, and a rate of 0 limits no caller", async () => {
  const rate = new CallerRate(1);
  for (let request = 0; request < 10; request++) expect(await rate.count("a")).toBeUndefined();
  const waitMs = await rate.count("a");
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(10_000);
  expect(await rate.count("b")).toBeUndefined();
  const unlimited = new CallerRate(0);
  for (let request = 0; request < 1_000; request++) expect(await unlimited.count("a")).toBeUndefined();
});

test("headers beyond 32 KiB are refused in the form of all errors, and the gateway keeps serving", async () => {
  const socket = await open(gateway.address.url);
  socket.write(`GET /graphql HTTP/1.1\r\nhost: gateway\r\nx-long: ${"x".repeat(33 * 1024)}\r\n\r\n`);
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(bodyOf(answer)).toMatchObject({ errors: [{ extensions: { code: "HEADERS_TOO_LARGE" } }] });
  expect((await send("{ __typename }")).status).toBe(200);
});

test.each([
  "no HTTP at all\r\n\r\n",
  "GET /graphql HTTP/9.9\r\n\r\n",
  "\u0000\u0001\u0002\r\n\r\n",
  "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
])("bytes that are not a request are refused in the form of all errors: %j", async (bytes) => {
  const socket = await open(gateway.address.url);
  socket.write(bytes);
  expect(bodyOf(await text(socket))).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
  expect((await send("{ __typename }")).status).toBe(200);
});

test("headers that do not end in time are refused, and the gateway closes their connection", async () => {
  const socket = await open(gateway.address.url);
  socket.write("POST /graphql HTTP/1.1\r\nhost: gateway\r\n");
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(bodyOf(answer)).toMatchObject({ errors: [{ extensions: { code: "REQUEST_TIMEOUT" } }] });
}, 30_000);

test("connections beyond the limit are closed immediately", async () => {
  const { gateway } = await startGateway({ env: { MAX_CONNECTIONS: "2" } });
  const sockets = [await open(gateway.address.url), await open(gateway.address.url)];
  const refused = await open(gateway.address.url);
  if (!refused.destroyed) await new Promise((resolve) => refused.once("close", resolve));
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false]);
  for (const socket of sockets) socket.destroy();
});

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

function bodyOf(answer: string): unknown {
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
}
