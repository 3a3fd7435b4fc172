import { expect, test } from "vitest";
import { CallerRate } from "../../src/http/caller-rate.ts";
import { fullChanges, many } from "../graphql/documents/documents.ts";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";

/** Returns a new document of 9,000 characters. */
const newDocument = (name: string) => `query ${name} { ${many(400, (at) => `camErrors${at}: __typename`)} }`;

test("callers without a token are limited by the cost of their documents, and a caller with a token is not affected", async () => {
  const issuer = await startIssuer();
  const { http } = await startGateway({
    callers: "proved",
    env: { ...UNLIMITED.env, ...issuer.env, CALLER_RATE_PER_SECOND: "10" },
  });
  const codeOf = async (query: string, token?: string) => {
    const request = http.post("/graphql").send({ query });
    const { body } = await (token === undefined ? request : request.set("authorization", `Bearer ${token}`));
    return body.errors?.[0]?.extensions.code as string | undefined;
  };
  let sent = 0;
  while ((await codeOf(newDocument(`Q${sent}`))) === undefined) sent += 1;
  expect(sent).toBeGreaterThan(2);
  expect(sent).toBeLessThan(15);
  expect(await codeOf("{ __typename }")).toBe("CALLER_RATE_LIMITED");
  expect(await codeOf("{ __typename }", await issuer.sign())).toBeUndefined();
  // A router queries the schema from the same address.
  expect(await codeOf("{ _service { sdl } }")).toBeUndefined();
  // The field _service does not exempt another operation.
  expect(await codeOf("{ _service { sdl } camErrors { code } }")).toBe("CALLER_RATE_LIMITED");
  expect(await codeOf("{ camErrors { code } # _service\n }")).toBe("CALLER_RATE_LIMITED");
});

test("a flood of requests for the schema does not limit other requests", async () => {
  const issuer = await startIssuer();
  const { http } = await startGateway({
    callers: "proved",
    env: { ...UNLIMITED.env, ...issuer.env, CALLER_RATE_PER_SECOND: "1" },
  });
  const codeOf = async (query: string) =>
    (await http.post("/graphql").send({ query })).body.errors?.[0]?.extensions.code as string | undefined;
  let sent = 0;
  while ((await codeOf("{ _service { sdl } }")) === undefined) sent += 1;
  expect(sent).toBeLessThan(10);
  expect(await codeOf("{ __typename }")).toBeUndefined();
});

test("a long body of a caller above the rate is refused before it is parsed", async () => {
  const { http } = await startGateway({ env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "1" } });
  const ask = (body: string) => http.post("/graphql").set("content-type", "application/json").send(body);
  const broken = `{"query": ${" ".repeat(5_000)}`;
  expect((await ask(broken)).body.errors[0].extensions.code).toBe("BAD_REQUEST");
  for (let at = 0; at <= 10; at++) await ask('{"query": "{ __typename }"}');
  expect((await ask(broken)).body.errors[0].extensions.code).toBe("CALLER_RATE_LIMITED");
});

test("a mutation of 300 changes is within the cost of one request", async () => {
  const { http } = await startGateway({ env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "1" } });
  const { body } = await http.post("/graphql").send({ query: fullChanges(300) });
  expect(body.errors?.[0]?.extensions.code).not.toBe("CALLER_RATE_LIMITED");
});

test("an expensive request counts as several, and at most as half of a caller's budget", async () => {
  const rate = new CallerRate(1);
  expect(await rate.count("a", 4)).toBeUndefined();
  expect(await rate.count("a", 4)).toBeUndefined();
  expect(await rate.count("a", 4)).toBeGreaterThan(0);
  expect(await rate.msUntilAllowed("a")).toBeGreaterThan(0);
  expect(await rate.count("b", 1_000)).toBeUndefined();
  expect(await rate.msUntilAllowed("b")).toBeUndefined();
  expect(await rate.msUntilAllowed("never seen")).toBeUndefined();
  expect(await new CallerRate(0).msUntilAllowed("a")).toBeUndefined();
});
