import { request } from "node:http";
import { json } from "node:stream/consumers";
import { beforeAll, describe, expect, test } from "vitest";
import { type StartedGateway, startGateway } from "../../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

type Headers = Readonly<Record<string, string | string[]>>;

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: unknown;
}

function send(method: "GET" | "POST", headers: Headers, query = "{ __typename }"): Promise<Answer> {
  const url = new URL(shared.gateway.address.url);
  if (method === "GET") url.searchParams.set("query", query);
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, async (response) => {
      const type = response.headers["content-type"];
      resolve({ status: response.statusCode, type, body: await json(response) });
    });
    sent.on("error", reject);
    sent.end(method === "POST" ? JSON.stringify({ query }) : undefined);
  });
}

describe.each(["GET", "POST"] as const)("for a %s", (method) => {
  const content: Headers = method === "POST" ? { "content-type": "application/json" } : {};

  test.each<[accept: Headers, type: string]>([
    [{}, "application/json"],
    [{ accept: "" }, "application/json"],
    [{ accept: "application/json; charset=utf-8" }, "application/json"],
    [{ accept: ["text/html", "application/json; charset=utf-8;q=0.9"] }, "application/json"],
    [{ ACCEPT: 'APPLICATION/JSON;CHARSET="utf-8"' }, "application/json"],
    [{ accept: "application/json; charset=gbk" }, "application/json"],
    [{ accept: "application/graphql-response+json; charset=utf-8" }, "application/graphql-response+json"],
    [
      { accept: ["application/json;q=0.5", "application/graphql-response+json;charset=utf-8"] },
      "application/graphql-response+json",
    ],
  ])("the request headers %j give the content type %s", async (accept, type) => {
    const answer = await send(method, { ...content, ...accept });
    expect(answer).toEqual({
      status: 200,
      type: `${type}; charset=utf-8`,
      body: { data: { __typename: "Query" } },
    });
  });

  test.each([
    ["application/json; charset=utf-8", 200],
    ["application/graphql-response+json; charset=utf-8", 400],
  ])("an invalid operation, as %s, has the status %i", async (accept, status) => {
    const answer = await send(method, { ...content, accept }, "{ nothing }");
    expect(answer).toMatchObject({ status, type: accept });
  });

  test("a client can accept the content type of the refusal", async () => {
    const { status, type = "" } = await send(method, { ...content, accept: "text/html" });
    expect(status).toBe(406);
    expect(await send(method, { ...content, accept: type })).toMatchObject({ status: 200 });
  });
});

test.each([
  "application/json;charset=UTF-8",
  "APPLICATION/JSON; Charset=utf-8",
  'application/json ; charset="UTF-8"',
  "application/json;",
  "application/json; foo=bar",
])("a body of %j is read", async (type) => {
  expect(await send("POST", { "content-type": type })).toMatchObject({ status: 200 });
});

test.each([
  "application/json; charset=gbk",
  'application/json; foo="; charset=utf-8"; charset=GBK',
  "application/json; charset=utf-8; charset=gbk",
  "application/json; charset=",
  "application/graphql",
])("a body of %j is refused, and the error names application/json", async (type) => {
  expect(await send("POST", { "content-type": type })).toMatchObject({
    status: 415,
    type: "application/json; charset=utf-8",
    body: {
      errors: [
        {
          message: expect.stringContaining("as application/json"),
          extensions: { code: "UNSUPPORTED_MEDIA_TYPE" },
        },
      ],
    },
  });
});

test("a body without a content type is refused, and the error names application/json", async () => {
  expect(await send("POST", {})).toMatchObject({
    status: 403,
    body: { errors: [{ message: expect.stringContaining("application/json") }] },
  });
});

test.each([
  ["application/graphql-response+json", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ["application/json; charset=utf-8", 200, undefined],
])("a GET with the content type %s has the status %i", async (type, status, code) => {
  const { body, ...answer } = await send("GET", { "content-type": type });
  expect(answer.status).toBe(status);
  if (code !== undefined) expect(body).toMatchObject({ errors: [{ extensions: { code } }] });
});
