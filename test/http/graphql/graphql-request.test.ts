import { request } from "node:http";
import { connect } from "node:net";
import { json, text } from "node:stream/consumers";
import { beforeAll, describe, expect, test } from "vitest";
import { negotiateMediaType, prefersHtml } from "../../../src/http/graphql/graphql-request.ts";
import { ALICE } from "../../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

const SET =
  "mutation ($reason: String) { setSubUserMfa(opUin: " +
  `"${ALICE}", login: { phone: true, stoken: true }, reason: $reason) { requestId } }`;

interface Answer {
  readonly status: number | undefined;
  readonly body: { readonly errors?: readonly { message: string; extensions: { code: string } }[] };
}

function post(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { url } = shared.gateway.address;
  const all = { "content-type": "application/json", ...headers };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers: all }, async (response) =>
      resolve({ status: response.statusCode, body: (await json(response)) as Answer["body"] }),
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Returns a body in which the reason has these bytes. */
function withReason(bytes: readonly number[] | string): Buffer {
  const reason = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
  const [before = "", after = ""] = JSON.stringify({ query: SET, variables: { reason: "@" } }).split("@");
  return Buffer.concat([Buffer.from(before), reason, Buffer.from(after)]);
}

const NOT_UTF8: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ["GBK", [0xd5, 0xc5, 0xc8, 0xfd]],
  ["GBK that is nearly UTF-8", [0xc1, 0xaa, 0xcd, 0xa8]],
  ["Latin-1", [0x4a, 0x6f, 0x73, 0xe9]],
  ["a cut character", [0xe5, 0xbc]],
  ["an overlong form", [0xc0, 0xaf]],
  ["half a surrogate pair", [0xed, 0xa0, 0x80]],
  ["a code point beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
];

describe("a body that is not UTF-8 is refused and changes nothing:", () => {
  test.each(NOT_UTF8)("%s", async (_what, bytes) => {
    const { cam } = shared;
    for (const type of ["application/json", "application/json; charset=utf-8"]) {
      expect(await post(withReason(bytes), { "content-type": type })).toMatchObject({
        status: 400,
        body: {
          errors: [{ message: "The request body is not UTF-8.", extensions: { code: "BAD_REQUEST" } }],
        },
      });
    }
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test.each([
    ["with a byte order mark", Buffer.from(`\uFEFF${withReason("张三")}`, "utf16le")],
    ["in the other byte order", Buffer.from(`\uFEFF${withReason("a")}`, "utf16le").swap16()],
    ["without a byte order mark", Buffer.from(withReason("a").toString(), "utf16le")],
  ])("UTF-16 %s", async (_what, body) => {
    expect(await post(body)).toMatchObject({
      status: 400,
      body: { errors: [{ message: "The request body is UTF-16. Send it as UTF-8." }] },
    });
  });

  test.each([
    ["a variable", { query: SET, variables: { reason: "\ud800" } }],
    ["the name of a variable", { query: SET, variables: { "\udc00": "a" } }],
    ["a nested value of a variable", { query: SET, variables: { reason: [{ a: "x\ud83d" }] } }],
    ["the document", { query: SET.replace("$reason)", '"\ud800")') }],
    ["the operation's name", { query: SET, operationName: "\ud800" }],
  ])("half of an escaped surrogate pair in %s", async (_where, body) => {
    const { cam } = shared;
    expect(await post(Buffer.from(JSON.stringify(body)))).toMatchObject({
      status: 400,
      body: {
        errors: [{ message: expect.stringMatching(/surrogate pair/), extensions: { code: "BAD_REQUEST" } }],
      },
    });
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });
});

test("half of a surrogate pair in a GraphQL escape is refused", async () => {
  const query = SET.replace("($reason: String) ", "").replace("$reason)", '"\\ud800")');
  const { body } = await post(Buffer.from(JSON.stringify({ query })));
  expect(body.errors).toMatchObject([{ extensions: { code: "GRAPHQL_PARSE_FAILED" } }]);
});

test.each([
  ["a byte order mark before the body", '\uFEFF{"query":"{ __typename }"}'],
  ["a byte order mark before the query", '{"query":"\uFEFF{ __typename }"}'],
  ["letters of every length", '{"query":"{ __typename } # é 张 😀"}'],
  ["an escaped surrogate pair", '{"query":"{ __typename } # \\ud83d\\ude00"}'],
])("a body with %s is read", async (_what, body) => {
  expect(await post(Buffer.from(body))).toEqual({ status: 200, body: { data: { __typename: "Query" } } });
});

describe("the address of a GET", () => {
  const QUERY = "query=%7B__typename%7D";

  /** Sends the address unchanged. HTTP clients encode bytes that are not ASCII. */
  async function get(search: string | Buffer): Promise<Answer> {
    const { hostname, port } = new URL(shared.gateway.address.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write("GET /graphql?");
    socket.write(search);
    socket.write(" HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n");
    const answer = await text(socket);
    const body = /\{.*\}/s.exec(answer)?.[0] ?? "null";
    return { status: Number(answer.split(" ")[1]), body: JSON.parse(body) };
  }

  test.each([
    `${QUERY}&operationName=%D5%C5%C8%FD`,
    `query=%7B__typename%7D%23%E9`,
    `${QUERY}&variables=%7B%22a%22%3A%22%C0%AF%22%7D`,
    `${QUERY}&variables=%7B%22a%22%3A%22%ED%A0%80%22%7D`,
    `${QUERY}&other=%ff`,
    `${QUERY}&%e5%bc=1`,
  ])("may not have bytes that are not UTF-8: %s", async (search) => {
    expect(await get(search)).toMatchObject({
      status: 400,
      body: {
        errors: [{ message: expect.stringMatching(/not UTF-8/), extensions: { code: "BAD_REQUEST" } }],
      },
    });
  });

  test.each([
    ["UTF-8", Buffer.from("&operationName=张三")],
    ["GBK", Buffer.from([0x26, 0x61, 0x3d, 0xd5, 0xc5])],
  ])("may not have bytes of %s that are not percent-encoded", async (_what, bytes) => {
    const { status, body } = await get(Buffer.concat([Buffer.from(QUERY), bytes]));
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ extensions: { code: "BAD_REQUEST" } }]);
  });

  test("may not have half of a surrogate pair in its variables", async () => {
    const { status } = await get(`${QUERY}&variables=${encodeURIComponent('{"a":"\\ud800"}')}`);
    expect(status).toBe(400);
  });

  test.each([
    `${QUERY}&x=%E5%BC%A0`,
    `${QUERY}&x=100%`,
    `${QUERY}&x=%zz`,
    `query=%EF%BB%BF%7B__typename%7D&variables=%EF%BB%BF%7B%7D`,
    `query=%7B__typename%7D+%23+%F0%9F%98%80`,
  ])("is accepted in every other case: %s", async (search) => {
    expect(await get(search)).toEqual({ status: 200, body: { data: { __typename: "Query" } } });
  });
});

test.each([
  ["idempotency-key", "张三", 400],
  ["idempotency-key", "Jos\u00e9", 400],
  ["x-request-id", "张三", 200],
])("the header %s with the bytes of %s has the status %i", async (name, value, status) => {
  const body = Buffer.from('{"query":"{ __typename }"}');
  const bytes = Buffer.from(value).toString("latin1");
  expect((await post(body, { [name]: bytes })).status).toBe(status);
});

const JSON_TYPE = "application/json";
const GRAPHQL = "application/graphql-response+json";

test.each([
  undefined,
  "",
  " , ",
  "*/*",
  "*/*;q=0.1",
  "application/*",
  "APPLICATION/JSON",
  "application/json; charset=utf-8",
  "application/json;charset=UTF-8",
  'application/json ; charset="utf-8"',
  "application/json; charset=gbk",
  "application/json; version=2; q=0.3",
  "application/json;q=0.9;level=1",
  "application/json;",
  "application/json;;charset=utf-8",
  "application/json; charset",
  'application/json; title="a, b;q=0"',
  'application/json; title="never closed',
  "application/json; q=abc",
  "application/json; q=",
  "application/json; q=7",
  "text/html, application/json;charset=utf-8;q=0.5",
  "text/html, */*; charset=utf-8; q=0.1",
  "application/graphql-response+json;q=0, */*",
  "application/graphql-response+json;q=0.5, application/json;charset=utf-8",
  "application/json;version=2;q=0, application/json",
  "garbage",
  "application",
  ";;;",
  "*/json",
])("a client that accepts %j gets application/json", (accept) => {
  expect(negotiateMediaType(accept)).toBe(JSON_TYPE);
});

test.each([
  GRAPHQL,
  `${GRAPHQL}; charset=utf-8`,
  `${GRAPHQL.toUpperCase()};CHARSET=UTF-8`,
  `${GRAPHQL}; charset=utf-8, application/json; charset=utf-8`,
  `application/json;charset=utf-8;q=0.8, ${GRAPHQL};charset=utf-8`,
  `application/json;q=0, ${GRAPHQL};q=0.1`,
  "application/json;charset=utf-8;q=0, */*",
  `garbage, ${GRAPHQL}`,
])("a client that accepts %j gets application/graphql-response+json", (accept) => {
  expect(negotiateMediaType(accept)).toBe(GRAPHQL);
});

test.each([
  "text/html",
  "text/*",
  "application/xml;charset=utf-8",
  "application/jsonp",
  "application/json;q=0",
  "application/json; Q=0.000",
  "application/json; charset=utf-8; q=0",
  "application/json;q=-1",
  "application/*;q=0",
  "*/*;q=0",
])("a client that accepts %j gets no media type", (accept) => {
  expect(negotiateMediaType(accept)).toBeUndefined();
});

test.each([
  ["Chrome", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true],
  ["Firefox", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
  ["HTML before JSON", "application/json;q=0.5, text/html", true],
  ["upper case and spaces", " Text/HTML ; Q=0.9 , */* ; q=0.1", true],
  ["curl", "*/*", false],
  ["a client without the header", undefined, false],
  ["an empty header", "", false],
  ["a GraphQL client", "application/graphql-response+json, application/json;q=0.9", false],
  ["a client with equal preference", "text/html, application/json", false],
  ["JSON before HTML", "application/json, text/html;q=0.9", false],
  ["a client that refuses HTML", "text/html;q=0, */*", false],
  ["an event stream", "text/event-stream", false],
  ["a malformed quality", "text/html;q=high", false],
])("prefersHtml is right for %s", (_client, accept, expected) => {
  expect(prefersHtml(accept)).toBe(expected);
});
