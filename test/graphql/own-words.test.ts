import { beforeAll, expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  shared.http
    .post("/graphql")
    .set({ "content-type": "application/json", ...headers })
    .send(typeof body === "string" ? body : JSON.stringify(body));
const get = (query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
  shared.http.get("/graphql").query(query).set(headers);

const SET = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
const HASH = "a".repeat(64);

/** Requests that a server library answers with messages of its own. */
test.each([
  ["introspection", () => post({ query: "{ __schema { types { name } } }" })],
  [
    "introspection in a fragment",
    () => post({ query: "query { ...A } fragment A on Query { a: __schema { types { name } } }" }),
  ],
  ["introspection by GET", () => get({ query: '{ __type(name: "SubUser") { name } }' })],
  ["a change by GET", () => get({ query: SET })],
  ["a GET without a query", () => get({})],
  [
    "a GET with a content type",
    () => get({ query: "{ __typename }" }, { "content-type": "application/graphql" }),
  ],
  ["a form", () => post("query=1", { "content-type": "application/x-www-form-urlencoded" })],
  ["a batch", () => post([{ query: "{ __typename }" }])],
  ["an empty object", () => post({})],
  ["a query that is a document", () => post({ query: { kind: "Document", definitions: [] } })],
  ["variables as text", () => post({ query: "{ __typename }", variables: "{}" })],
  ["extensions as text", () => post({ query: "{ __typename }", extensions: "{}" })],
  ["a persisted query", () => post({ extensions: { persistedQuery: { version: 1, sha256Hash: HASH } } })],
  [
    "@defer from a client that accepts multipart only",
    () => post({ query: "{ ... @defer { __typename } }" }, { accept: "multipart/mixed" }),
  ],
  [
    "@defer from a client that accepts multipart and JSON",
    () => post({ query: "{ ... @defer { __typename } }" }, { accept: "multipart/mixed, application/json" }),
  ],
  ["a subscription", () => post({ query: "subscription { a }" })],
  ["an unknown operation name", () => post({ query: "query A { __typename }", operationName: "B" })],
  ["two operations", () => post({ query: "query A { __typename } query B { __typename }" })],
  ["no operation", () => post({ query: "fragment A on Query { __typename }" })],
  ["a syntax error", () => post({ query: "{" })],
  ["an unknown field", () => post({ query: "{ nothing }" })],
  ["an unsupported Accept header", () => post({ query: "{ __typename }" }, { accept: "text/html" })],
])("%s is refused without the name of the server's library", async (_what, ask) => {
  const { text, headers } = await ask();
  expect(JSON.parse(text)).toMatchObject({ errors: [{ message: expect.stringMatching(/./) }] });
  expect(`${text}${JSON.stringify(headers)}`).not.toMatch(/apollo|fastify|graphql-js|node\.js/i);
});
