import { beforeAll, describe, expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { readReply, type StartedGateway, startGateway } from "../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

const SET = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
const JSON_TYPE = "application/json";

describe("a body that is no operation is refused as JSON, with the request id", () => {
  test.each([
    ["5 MB", JSON_TYPE, JSON.stringify({ query: "x".repeat(5 * 1024 * 1024) }), 413, "REQUEST_TOO_LARGE"],
    ["malformed JSON", JSON_TYPE, '{"query":', 400, "BAD_REQUEST"],
    ["nothing", JSON_TYPE, "", 400, "BAD_REQUEST"],
    [
      "a key that could poison an object",
      JSON_TYPE,
      '{"__proto__":{},"query":"{ __typename }"}',
      400,
      "BAD_REQUEST",
    ],
    ["a form", "application/x-www-form-urlencoded", "query=1", 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["multipart", "multipart/form-data; boundary=x", "--x--", 415, "UNSUPPORTED_MEDIA_TYPE"],
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
    ["a query that is no string", '{"query":1}'],
    ["variables that are no object", '{"query":"{ __typename }","variables":"x"}'],
  ])("%s", async (_case, body) => {
    const { http } = shared;
    const response = await http.post("/graphql").set("content-type", JSON_TYPE).send(body);
    const { errors, headers } = readReply(response);
    expect(response.status).toBe(400);
    expect(errors).toMatchObject([{ extensions: { code: "BAD_REQUEST" } }]);
    expect(headers["x-request-id"]).toMatch(/./);
  });
});

describe("a change cannot be made by a page that a browser happens to visit", () => {
  test("with a GET", async () => {
    const { http, cam } = shared;
    const response = await http.get("/graphql").query({ query: SET });
    expect(response.status).toBe(400);
    expect(response.text).toContain("CSRF");
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("with a GET that shows it is no mere visit", async () => {
    const { http, cam } = shared;
    const response = await http.get("/graphql").query({ query: SET }).set("apollo-require-preflight", "1");
    expect(response.status).toBe(405);
    expect(response.headers["allow"]).toBe("POST");
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("with a POST of text", async () => {
    const { http, cam } = shared;
    const body = JSON.stringify({ query: SET });
    const response = await http.post("/graphql").set("content-type", "text/plain").send(body);
    expect(response.status).toBe(400);
    expect(response.text).toContain("CSRF");
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("with a preflight, which grants nothing", async () => {
    const { http } = shared;
    const response = await http
      .options("/graphql")
      .set("origin", "https://elsewhere.example")
      .set("access-control-request-method", "POST")
      .set("access-control-request-headers", "content-type");
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(Object.keys(response.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });
});

test("a query by GET is answered to a client that shows it is no mere visit", async () => {
  const { http } = shared;
  const response = await http
    .get("/graphql")
    .query({ query: "{ __typename }" })
    .set("apollo-require-preflight", "1");
  expect(readReply(response).data).toEqual({ __typename: "Query" });
});

test.each(["application/json", "application/graphql-response+json", "*/*"])(
  "a business error travels with HTTP 200 to a client that accepts %s",
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
  ["GET", "/"],
  ["GET", "/graphql/"],
  ["GET", "/graphql-playground/assets/index.js"],
  ["PUT", "/graphql"],
  ["DELETE", "/graphql"],
  ["GET", "/../package.json"],
] as const)("there is nothing else: %s %s", async (method, path) => {
  const { gateway } = shared;
  const response = await fetch(new URL(path, gateway.address.url), { method });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "NOT_FOUND" } }] });
});

test("an address that cannot be read is refused like everything else", async () => {
  const { gateway } = shared;
  const response = await fetch(`${new URL(gateway.address.url).origin}/%E0%A4%A`);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    errors: [
      {
        message: "The request cannot be read.",
        extensions: { code: "BAD_REQUEST", requestId: response.headers.get("x-request-id") },
      },
    ],
  });
});
