import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createCamGatewayClient, type GatewayFetch } from "../../src/client/index.ts";
import { closedPort } from "../support/closed-port.ts";

const TOKEN = "s3cret-t0ken";
const headers = { Authorization: `Bearer ${TOKEN}` };
const change = { opUin: "100021969091", login: { phone: true } };

interface Answer {
  readonly status?: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts a server that sends a fixed answer and records the requests. */
async function startStub(answer: Answer) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request
      .resume()
      .on("end", () => response.writeHead(answer.status ?? 200, answer.headers).end(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, requests };
}

/** Returns the error of a call. Fails if any form in which a log could print it has the token. */
async function failureOf(promise: Promise<unknown>) {
  const error: Error = await promise.then(
    () => new Error("It did not fail."),
    (reason) => reason,
  );
  const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(error);
  expect(shown).not.toContain(TOKEN);
  return error;
}

describe("a failed call is a typed error without the token", () => {
  test.each<[what: string, answer: Answer, expected: object]>([
    ["a proxy's error page", { status: 502, body: `<h1>${TOKEN}</h1>` }, { failure: "HTTP", status: 502 }],
    ["JSON that is not GraphQL", { body: `{"headers":"${TOKEN}"}` }, { failure: "NOT_GRAPHQL", status: 200 }],
    ["HTML", { body: `<p>Sign in</p>` }, { failure: "NOT_GRAPHQL" }],
    ["an empty body", { status: 401, body: "" }, { failure: "HTTP", status: 401 }],
    ["a redirect", { status: 307, body: "", headers: { location: "/elsewhere" } }, { failure: "NETWORK" }],
    [
      "errors of GraphQL",
      { status: 400, body: `{"errors":[{"message":"No.","extensions":{"code":"BAD_REQUEST"}}]}` },
      { failure: "REJECTED", status: 400, problems: [{ message: "No.", code: "BAD_REQUEST" }] },
    ],
    [
      "a code of a later version",
      { body: `{"data":null,"errors":[{"message":"New.","extensions":{"code":"CAM_BRAND_NEW"}}]}` },
      { failure: "REJECTED", problems: [{ message: "New.", code: "CAM_BRAND_NEW" }] },
    ],
    [
      "a null change without its error",
      { body: `{"data":{"setSubUserMfa":null}}` },
      { failure: "NOT_GRAPHQL" },
    ],
    ["data of another field", { body: `{"data":{"other":1}}` }, { failure: "NOT_GRAPHQL" }],
  ])("%s", async (_what, answer, expected) => {
    const { url } = await startStub(answer);
    const error = await failureOf(createCamGatewayClient({ url, headers }).setSubUserMfa(change));
    expect(error).toMatchObject({ name: "GatewayTransportError", ...expected });
  });

  test("an address where nothing listens", async () => {
    const url = `http://127.0.0.1:${await closedPort()}/graphql`;
    const error = await failureOf(createCamGatewayClient({ url, headers }).camErrors());
    expect(error).toMatchObject({ failure: "NETWORK", reason: "ECONNREFUSED", status: undefined });
  });

  test.each<[what: string, options: object, call: object]>([
    ["a token", { headers: { authorization: `Bearer ${TOKEN}\n broken` } }, {}],
    ["an idempotency key", { headers }, { idempotencyKey: `${TOKEN}…` }],
  ])("%s that a header cannot have, and the client sends nothing", async (_what, options, call) => {
    const { url, requests } = await startStub({ body: "" });
    const error = await failureOf(createCamGatewayClient({ url, ...options }).setSubUserMfa(change, call));
    expect(error).toMatchObject({ failure: "INVALID_HEADER" });
    expect(requests).toEqual([]);
  });

  test("a custom fetch that throws an error with the request", async () => {
    const fetch: GatewayFetch = async (_url, request) => {
      throw Object.assign(new Error("refused"), { request, code: TOKEN });
    };
    const error = await failureOf(createCamGatewayClient({ url: "/graphql", fetch, headers }).camErrors());
    expect(error).toMatchObject({ failure: "NETWORK", reason: undefined });
  });
});

describe("headers", () => {
  const empty = { body: `{"data":{"camErrors":[]}}` };

  test("come from the function before each request", async () => {
    const { url, requests } = await startStub(empty);
    const tokens = ["one", "two"];
    const client = createCamGatewayClient({
      url,
      headers: async () => ({ Authorization: tokens.shift() ?? "" }),
    });
    await client.camErrors();
    await client.camErrors();
    expect(requests.map((request) => request.headers.authorization)).toEqual(["one", "two"]);
  });

  test("cannot replace the content type of the request", async () => {
    const { url, requests } = await startStub(empty);
    await createCamGatewayClient({
      url,
      headers: { "Content-Type": "text/plain", "X-Team": "a" },
    }).camErrors();
    expect(requests[0]?.headers).toMatchObject({ "content-type": "application/json", "x-team": "a" });
  });

  test("that fail reject the call with their own error", async () => {
    const client = createCamGatewayClient({
      url: "/graphql",
      headers: () => Promise.reject(new Error("signed out")),
    });
    await expect(client.camErrors()).rejects.toThrow("signed out");
  });
});

test("an abort ends the call with the caller's own reason", async () => {
  const controller = new AbortController();
  const fetch: GatewayFetch = (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(new Error("of fetch's own")));
      controller.abort(new Error("closed the dialog"));
    });
  const client = createCamGatewayClient({ url: "/graphql", fetch });
  await expect(client.camErrors({ signal: controller.signal })).rejects.toThrow("closed the dialog");
});
