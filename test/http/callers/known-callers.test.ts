import { beforeAll, expect, test } from "vitest";
import { CAROL } from "../../support/seed-users.ts";
import { readReply, type StartedGateway, startGateway } from "../../support/start-gateway.ts";
import { AUDIENCE, type StartedIssuer, startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const CHANGE = `mutation { setSubUserMfa(opUin: "${CAROL}", login: { phone: true }) {
  change { id caller { subject client issuer } }
} }`;

interface Changed {
  readonly setSubUserMfa: { readonly change: { readonly id: string; readonly caller: object } };
}

async function send(
  { http }: StartedGateway,
  query: string,
  token: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const request = http.post("/graphql").set({ authorization: `Bearer ${token}`, ...headers });
  return readReply(await request.send({ query }));
}

/** For tests whose log lines no other test causes. */
let shared: { readonly issuer: StartedIssuer; readonly gateway: StartedGateway };

beforeAll(async () => {
  const issuer = await startIssuer();
  shared = { issuer, gateway: await startGateway({ callers: "proved", env: issuer.env }) };
});

test("the record and the log have the caller, client and issuer of a change, and the log never has the token", async () => {
  const { issuer, gateway } = shared;
  const token = await issuer.sign({ claims: { sub: "wang", azp: "portal" } });
  const { data, errors } = await send(gateway, CHANGE, token);
  expect(errors).toEqual([]);
  const { caller } = (data as unknown as Changed).setSubUserMfa.change;
  expect(caller).toEqual({ subject: "wang", client: "portal", issuer: issuer.url });
  const lines = gateway.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      caller: "wang",
      callerClient: "portal",
      callerIssuer: issuer.url,
      opUin: CAROL,
    }),
  );
  expect(gateway.logLines.join("\n")).not.toContain(token.split(".")[1]);
});

test("a public field needs no token, and a bad token is refused there as well", async () => {
  const { issuer, gateway } = shared;
  expect((await gateway.send("{ camErrors { code } _service { sdl } __typename }")).errors).toEqual([]);
  const reply = await send(gateway, "{ __typename }", await issuer.sign({ claims: { exp: 1 } }));
  expect(reply).toMatchObject({
    status: 200,
    headers: { "www-authenticate": 'Bearer error="invalid_token"', "cache-control": "no-store" },
    data: undefined,
    errors: [
      {
        message: "You are not signed in, or your session has ended. The token has expired.",
        extensions: { code: "UNAUTHENTICATED", category: "UNAUTHENTICATED", retryable: false },
      },
    ],
  });
  expect(reply.errors[0]?.extensions["requestId"]).toBe(reply.headers["x-request-id"]);
});

test("if the issuer's keys cannot be loaded, the caller gets a retryable error and is not signed out", async () => {
  const issuer = await startIssuer();
  issuer.answer(503);
  const gateway = await startGateway({ callers: "proved", env: issuer.env });
  const token = await issuer.sign();
  const reply = await send(gateway, "{ camQuota { action } }", token);
  expect(reply).toMatchObject({
    status: 200,
    headers: { "cache-control": "no-store" },
    data: undefined,
    errors: [
      {
        message:
          "The gateway cannot verify your identity at the moment. The keys of the token's issuer are unavailable. " +
          "The token may be valid.",
        extensions: {
          code: "ISSUER_UNAVAILABLE",
          category: "UPSTREAM",
          retryable: true,
          retryAfterMs: expect.any(Number),
        },
      },
    ],
  });
  expect(reply.headers["www-authenticate"]).toBeUndefined();
  expect(reply.errors[0]?.extensions["retryAfterMs"]).toBeLessThanOrEqual(10_000);
  const lines = gateway.logLines.join("\n");
  expect(lines).toContain("auth.check_failed");
  expect(lines).not.toContain("auth.token_rejected");
});

test("for a wrong issuer or audience the log has the token's value and the expected value", async () => {
  const issuer = await startIssuer();
  const gateway = await startGateway({ callers: "proved", env: issuer.env });
  const endless = `https://${"x".repeat(300)}.example`;
  const tokens = [
    { aud: "another-service" },
    { aud: ["one", "two\u0007", ...Array.from({ length: 5 }, (_, at) => `more-${at}`)] },
    { aud: undefined },
    { iss: "https://stranger.example" },
    { iss: endless, aud: 7 },
  ];
  for (const claims of tokens) await send(gateway, "{ __typename }", await issuer.sign({ claims }));
  const told = gateway.logLines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event }) => event === "auth.token_rejected");
  const unprintable = "(no printable text of at most 256 letters)";
  const forUs = { iss: issuer.url, expectedIss: issuer.url, expectedAud: AUDIENCE };
  expect(told).toMatchObject([
    { reason: "The token is meant for another service.", aud: "another-service", ...forUs },
    { aud: `one, ${unprintable}, more-0, more-1, more-2 and 2 more`, ...forUs },
    { aud: "(none)", ...forUs },
    {
      reason: "The gateway does not trust the token's issuer.",
      iss: "https://stranger.example",
      expectedIss: issuer.url,
    },
    { iss: unprintable, aud: unprintable, expectedIss: issuer.url },
  ]);
});

test("the log names the claim that a token lacks, and the caller's error does not", async () => {
  const issuer = await startIssuer();
  const gateway = await startGateway({ callers: "proved", env: issuer.env });
  const reply = await send(gateway, "{ __typename }", await issuer.sign({ claims: { sub: undefined } }));
  expect(reply.text).not.toContain("sub");
  const told = gateway.logLines.filter((line) => line.includes("auth.token_rejected"));
  expect(told.map((line) => JSON.parse(line))).toMatchObject([{ claim: "sub", claimProblem: "missing" }]);
});

test("a token of 20 KiB is accepted, and one above 24 KiB is refused without a challenge to sign in", async () => {
  const { issuer, gateway } = shared;
  const groups = (count: number) => Array.from({ length: count }, (_, at) => `group-${at}-${"x".repeat(32)}`);
  const padding = { "x-forwarded-client-cert": "x".repeat(7 * 1024) };
  const long = await issuer.sign({ claims: { groups: groups(340) } });
  expect(long.length).toBeGreaterThan(20 * 1024);
  expect((await send(gateway, "{ __typename }", long, padding)).errors).toEqual([]);
  const tooLong = await issuer.sign({ claims: { groups: groups(400) } });
  const reply = await send(gateway, "{ __typename }", tooLong);
  expect(reply).toMatchObject({
    status: 431,
    errors: [
      {
        message: expect.stringContaining(`${tooLong.length} bytes long, and at most 24576 are accepted`),
        extensions: { code: "TOKEN_TOO_LARGE", requestId: reply.headers["x-request-id"] },
      },
    ],
  });
  expect(reply.headers["www-authenticate"]).toBeUndefined();
  expect(gateway.logLines.join("\n")).toContain(`The bearer token is ${tooLong.length} bytes long`);
});

test("each caller has their own request rate, and callers without a token share one", async () => {
  const issuer = await startIssuer();
  const gateway = await startGateway({
    callers: "proved",
    env: { ...issuer.env, CALLER_RATE_PER_SECOND: "1" },
  });
  const [alice, bob] = await Promise.all([issuer.sign(), issuer.sign({ claims: { sub: "bob" } })]);
  const codeFor = async (token: string) =>
    (await send(gateway, "{ __typename }", token)).errors[0]?.extensions["code"];
  for (let at = 0; at < 10; at++) expect(await codeFor(alice)).toBeUndefined();
  expect(await codeFor(alice)).toBe("CALLER_RATE_LIMITED");
  expect(await codeFor(bob)).toBeUndefined();
  expect((await gateway.send("{ __typename }")).errors).toEqual([]);
});

test("a flood of bad tokens is refused, and its log line is rate-limited", async () => {
  const issuer = await startIssuer();
  const env = { ...issuer.env, CALLER_RATE_PER_SECOND: "1" };
  const gateway = await startGateway({ callers: "proved", env });
  const bad = await issuer.sign({ claims: { exp: 1 } });
  for (let at = 0; at < 30; at++) {
    expect((await send(gateway, "{ __typename }", bad)).errors[0]?.extensions["code"]).toBe(
      "UNAUTHENTICATED",
    );
  }
  const told = gateway.logLines.filter((line) => line.includes("auth.token_rejected"));
  expect(told.length).toBeLessThanOrEqual(10 * 2);
  expect((await send(gateway, "{ __typename }", await issuer.sign())).errors).toEqual([]);
});

test("callers with the same name at two issuers do not share an idempotency key", async () => {
  const issuers = [await startIssuer(), await startIssuer()] as const;
  const gateway = await startGateway({ callers: "proved", env: await bothOf(issuers) });
  const idOf = async (issuer: StartedIssuer) => {
    const reply = await send(gateway, CHANGE, await issuer.sign(), { "idempotency-key": "key-1" });
    return (reply.data as unknown as Changed).setSubUserMfa.change.id;
  };
  const first = await idOf(issuers[0]);
  expect(await idOf(issuers[0])).toBe(first);
  expect(await idOf(issuers[1])).not.toBe(first);
});

async function bothOf(issuers: readonly StartedIssuer[]): Promise<Record<string, string>> {
  const folder = await temporaryFolder();
  const described = issuers.map(({ url, jwksUrl }) => ({ issuer: url, jwksUrl, audience: AUDIENCE }));
  const file = await folder.write("issuers.json", JSON.stringify({ issuers: described }));
  return { AUTH_ISSUER: "", AUTH_JWKS_URL: "", AUTH_AUDIENCE: "", AUTH_ISSUERS_FILE: file };
}
