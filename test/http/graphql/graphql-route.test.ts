import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { mayBeCsrf } from "../../../src/http/graphql/graphql-route.ts";
import { ALICE } from "../../support/seed-users.ts";
import { readReply, type StartedGateway, startGateway } from "../../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

const SET = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
const JSON_TYPE = "application/json";

describe("a body without an operation is refused as JSON, with the request id", () => {
  test.each([
    ["5 MB", JSON_TYPE, JSON.stringify({ query: "x".repeat(5 * 1024 * 1024) }), 413, "REQUEST_TOO_LARGE"],
    ["malformed JSON", JSON_TYPE, '{"query":', 400, "BAD_REQUEST"],
    ["an empty body", JSON_TYPE, "", 400, "BAD_REQUEST"],
    [
      "a key that could poison an object",
      JSON_TYPE,
      '{"__proto__":{},"query":"{ __typename }"}',
      400,
      "BAD_REQUEST",
    ],
    ["a form", "application/x-www-form-urlencoded", "query=1", 403, "CSRF_PREVENTED"],
    ["multipart", "multipart/form-data; boundary=x", "--x--", 403, "CSRF_PREVENTED"],
    ["XML", "application/xml", "<query/>", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ])("%s", async (_case, contentType, body, status, code) => {
    const { http, send } = shared;
    const response = await http.post("/graphql").set("content-type", contentType).send(body);
    const { errors, headers } = readReply(response);
    expect(response.status).toBe(status);
    expect(headers["content-type"]).toMatch(/^application\/json/);
    expect(errors).toEqual([
      { message: expect.any(String), extensions: { code, requestId: headers["x-request-id"] } },
    ]);
    expect((await send("{ __typename }")).status).toBe(200);
  });

  test.each([
    ["an object without a query", "{}"],
    ["a list", "[]"],
    ["a batch", `[{"query":"{ __typename }"}]`],
    ["a string", '"query"'],
    ["a query that is not a string", '{"query":1}'],
    ["variables that are not an object", '{"query":"{ __typename }","variables":"x"}'],
  ])("%s", async (_case, body) => {
    const { http } = shared;
    const response = await http.post("/graphql").set("content-type", JSON_TYPE).send(body);
    const { errors, headers } = readReply(response);
    expect(response.status).toBe(400);
    expect(errors).toMatchObject([{ extensions: { code: "BAD_REQUEST" } }]);
    expect(headers["x-request-id"]).toMatch(/./);
  });
});

describe("a page in a browser cannot make a change", () => {
  test("with a GET", async () => {
    const { http, cam } = shared;
    const response = await http.get("/graphql").query({ query: SET });
    expect(response.status).toBe(405);
    expect(response.headers["allow"]).toBe("POST");
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "with a POST of %s",
    async (contentType) => {
      const { http, cam } = shared;
      const body = JSON.stringify({ query: SET });
      const response = await http.post("/graphql").set("content-type", contentType).send(body);
      expect(response.status).toBe(403);
      expect(readReply(response).errors).toMatchObject([{ extensions: { code: "CSRF_PREVENTED" } }]);
      expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
    },
  );

  test("with a preflight, which the gateway refuses", async () => {
    const { http } = shared;
    const response = await http
      .options("/graphql")
      .set("origin", "https://elsewhere.example")
      .set("access-control-request-method", "POST")
      .set("access-control-request-headers", "content-type");
    expect(response.status).toBe(405);
    expect(Object.keys(response.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });
});

test("a query by GET is answered", async () => {
  const { http } = shared;
  const response = await http.get("/graphql").query({
    query: "query ($opUin: Uin!) { __typename subUser(opUin: $opUin) { opUin } }",
    variables: JSON.stringify({ opUin: ALICE }),
  });
  expect(readReply(response).data).toEqual({ __typename: "Query", subUser: { opUin: ALICE } });
});

test.each([
  ["no query", {}],
  ["a query twice", { query: ["{ __typename }", "{ __typename }"] }],
  ["variables that are not JSON", { query: "{ __typename }", variables: "{" }],
  ["variables that are not an object", { query: "{ __typename }", variables: "[1]" }],
])("a GET with %s is refused as a bad request", async (_case, query) => {
  const { http } = shared;
  const { errors, status } = readReply(await http.get("/graphql").query(query));
  expect(status).toBe(400);
  expect(errors).toMatchObject([{ extensions: { code: "BAD_REQUEST", requestId: expect.any(String) } }]);
});

describe("a body in an unsupported encoding is refused as an unsupported media type", () => {
  test.each<[what: string, headers: Record<string, string>, body: Buffer]>([
    ["UTF-16", { "content-type": "application/json; charset=utf-16" }, Buffer.from("{}", "utf16le")],
    ["a charset in quotes", { "content-type": 'application/json; charset="iso-8859-1"' }, Buffer.from("{}")],
    ["gzip", { "content-type": JSON_TYPE, "content-encoding": "gzip" }, gzipSync("{}")],
  ])("%s", async (_what, headers, body) => {
    const { gateway } = shared;
    const response = await fetch(gateway.address.url, {
      method: "POST",
      headers,
      body: new Uint8Array(body),
    });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: "UNSUPPORTED_MEDIA_TYPE" } }],
    });
  });

  test.each(["application/json;charset=UTF-8", 'application/json; charset="utf-8"', "application/json"])(
    "%s is read",
    async (contentType) => {
      const { http } = shared;
      const response = await http
        .post("/graphql")
        .set("content-type", contentType)
        .set("content-encoding", "identity")
        .send('{"query":"{ __typename }"}');
      expect(readReply(response).data).toEqual({ __typename: "Query" });
    },
  );
});

test.each(["text/html", "image/png", "application/xml", "application/json;q=0"])(
  "a client that accepts only %s gets 406",
  async (accept) => {
    const { http } = shared;
    const response = await http.post("/graphql").set("accept", accept).send({ query: "{ __typename }" });
    expect(response.status).toBe(406);
    expect(readReply(response).errors).toMatchObject([{ extensions: { code: "NOT_ACCEPTABLE" } }]);
  },
);

test.each(["application/json", "application/graphql-response+json", "*/*"])(
  "a business error has HTTP 200 for a client that accepts %s",
  async (accept) => {
    const { http } = shared;
    const query = `mutation { setSubUserMfa(opUin: "${ALICE}") { requestId } }`;
    const response = await http.post("/graphql").set("accept", accept).send({ query });
    expect(response.status).toBe(200);
    expect(readReply(response).errors).toMatchObject([{ extensions: { code: "NOTHING_TO_CHANGE" } }]);
  },
);

test("no answer may be cached", async () => {
  const { send } = shared;
  expect((await send("{ camErrors { code } }")).headers["cache-control"]).toBe("no-store");
});

test.each([
  ["GET", "/graphql/"],
  ["GET", "/graphql-playground/assets/index.js"],
  ["GET", "/../package.json"],
] as const)("any other path is not found: %s %s", async (method, path) => {
  const { gateway } = shared;
  const response = await fetch(new URL(path, gateway.address.url), { method });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "NOT_FOUND" } }] });
});

test.each(["PUT", "PATCH", "DELETE", "HEAD"])("%s is not a method of GraphQL over HTTP", async (method) => {
  const { gateway } = shared;
  const response = await fetch(gateway.address.url, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET, POST");
});

test("an unreadable address is refused in the form of all errors", async () => {
  const { gateway } = shared;
  const response = await fetch(`${new URL(gateway.address.url).origin}/%E0%A4%A`);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    errors: [
      {
        message: "The gateway cannot read the request.",
        extensions: { code: "BAD_REQUEST", requestId: response.headers.get("x-request-id") },
      },
    ],
  });
});

const JSON_CONTENT = { "content-type": "application/json" };
const HOST = { host: "gateway.example:4000" };

describe("a request that another page may have forged", () => {
  test.each([
    ["a form of another site", "POST", { "sec-fetch-site": "cross-site", "content-type": "text/plain" }],
    [
      "a form of a sibling site",
      "POST",
      { "sec-fetch-site": "same-site", "content-type": "multipart/form-data" },
    ],
    ["a fetch without a content type", "POST", { "sec-fetch-site": "cross-site" }],
    ["an image", "GET", { "sec-fetch-site": "cross-site" }],
    ["a form of another origin in an older browser", "POST", { ...HOST, origin: "https://evil.example" }],
    ["another port of the same host", "POST", { ...HOST, origin: "https://gateway.example:5000" }],
    ["a sandboxed page", "POST", { ...HOST, origin: "null" }],
    ["no origin, and a content type of forms", "POST", { ...HOST, "content-type": "text/plain" }],
    [
      "a content type that only looks like JSON",
      "POST",
      { ...HOST, "content-type": "text/plain; application/json" },
    ],
    [
      "an empty preflight header",
      "POST",
      { "sec-fetch-site": "cross-site", "graphql-require-preflight": "" },
    ],
    ["a site value that no browser sends", "GET", { "sec-fetch-site": "Same-Origin" }],
  ])("%s", (_case, method, headers) => {
    expect(mayBeCsrf(method, headers)).toBe(true);
  });
});

describe("a request that no other page can forge", () => {
  test.each([
    ["a page of the gateway", "POST", { "sec-fetch-site": "same-origin", ...JSON_CONTENT }],
    ["a person who typed the address", "GET", { "sec-fetch-site": "none" }],
    ["JSON, which needs a preflight", "POST", { "sec-fetch-site": "cross-site", ...JSON_CONTENT }],
    ["JSON with a charset", "POST", { ...HOST, "content-type": "Application/JSON; charset=utf-8" }],
    [
      "a header that needs a preflight",
      "GET",
      { "sec-fetch-site": "cross-site", "apollo-require-preflight": "1" },
    ],
    [
      "the gateway's own origin in an older browser",
      "POST",
      { ...HOST, origin: "https://gateway.example:4000" },
    ],
    ["a program's query", "GET", { ...HOST }],
    ["a program's operation", "POST", { ...HOST, ...JSON_CONTENT }],
  ])("%s", (_case, method, headers) => {
    expect(mayBeCsrf(method, headers)).toBe(false);
  });
});
