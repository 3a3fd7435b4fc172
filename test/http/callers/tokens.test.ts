import { afterAll, describe, expect, test } from "vitest";
import { keepFigure } from "../../support/leaks/written.ts";
import { goodTokens, tokensWithoutTheScope } from "./cases/believed-tokens.ts";
import type { TokenCase, Verdict } from "./cases/token-case.ts";
import { wrongParties, wrongTimes } from "./cases/wrong-claims.ts";
import { issuersAway, wrongForms } from "./cases/wrong-forms.ts";
import { wrongAlgorithms, wrongKeys, wrongSignatures } from "./cases/wrongly-signed-tokens.ts";
import { signToken } from "./make-token.ts";
import { type Answer, startTokenWorld } from "./token-world.ts";

const TOKEN_CASES: readonly TokenCase[] = [
  ...goodTokens,
  ...tokensWithoutTheScope,
  ...wrongAlgorithms,
  ...wrongKeys,
  ...wrongSignatures,
  ...wrongTimes,
  ...wrongParties,
  ...wrongForms,
  ...issuersAway,
];

const world = await startTokenWorld();

/** Reduces a response to the parts that the verdict decides. */
function verdictOf({ status, challenge, body: { data, errors = [] } }: Answer): unknown {
  const [error] = errors;
  if (error === undefined) return { status, verdict: "ACCEPTED" };
  const { code } = error.extensions;
  // A challenge makes clients sign in again, so only a bad token gets one.
  if (code !== "UNAUTHENTICATED") return { status, verdict: code, challenge };
  return { status, data, challenge, message: error.message };
}

function expected(verdict: Verdict): unknown {
  if (typeof verdict === "string") return { status: 200, verdict };
  return {
    status: 200,
    data: undefined,
    challenge: 'Bearer error="invalid_token"',
    message: expect.stringContaining(verdict.refused),
  };
}

test("the cases are at least 120, with unique names", () => {
  expect(TOKEN_CASES.length).toBeGreaterThanOrEqual(120);
  expect(new Set(TOKEN_CASES.map(({ name }) => name)).size).toBe(TOKEN_CASES.length);
});

describe("a token", () => {
  let asStated = 0;

  test.each(TOKEN_CASES.map((one) => [one.name, one] as const))("%s", async (_name, { token, verdict }) => {
    const answer = await world.ask({ authorization: [`Bearer ${await token(world)}`] });
    expect(verdictOf(answer)).toEqual(expected(verdict));
    asStated += 1;
  });

  afterAll(() => keepFigure(`Tokens with the expected verdict: ${asStated} of ${TOKEN_CASES.length}`));
});

const token = await signToken({ issuer: world.main });

describe("the header", () => {
  const bad = `${token.slice(0, -8)}AAAAAAAA`;
  const WORDS = { refused: "must have the form: Bearer" };
  const TWICE = { refused: "more than one Authorization header" };

  test.each<readonly [string, readonly string[], Verdict]>([
    ["in small letters", [`bearer ${token}`], "ACCEPTED"],
    ["in capitals", [`BEARER ${token}`], "ACCEPTED"],
    ["with more spaces", [`Bearer   ${token}`], "ACCEPTED"],
    ["with a space at its end, which HTTP removes", [`Bearer ${token} `], "ACCEPTED"],
    ["twice", [`Bearer ${token}`, `Bearer ${token}`], TWICE],
    ["twice, with a bad second token", [`Bearer ${token}`, `Bearer ${bad}`], TWICE],
    ["twice, with a bad first token", [`Bearer ${bad}`, `Bearer ${token}`], TWICE],
    ["twice, one of them empty", ["", `Bearer ${token}`], TWICE],
    ["with two tokens", [`Bearer ${token}, Bearer ${token}`], WORDS],
    ["with a parameter after the token", [`Bearer ${token}; charset=utf-8`], WORDS],
    ["with a password", ["Basic YWxpY2U6c2VjcmV0"], WORDS],
    ["with another scheme", [`DPoP ${token}`], WORDS],
    ["without a scheme", [token], WORDS],
    ["without a space", [`Bearer${token}`], WORDS],
    ["with a tab", [`Bearer\t${token}`], WORDS],
    ["without a token", ["Bearer"], WORDS],
    ["empty", [""], WORDS],
  ])("%s", async (_name, authorization, verdict) => {
    expect(verdictOf(await world.ask({ authorization }))).toEqual(expected(verdict));
  });

  test.each<readonly [string, Readonly<Record<string, readonly string[]>>, string]>([
    ["in no place", {}, ""],
    ["in the address", {}, `?access_token=${token}`],
    ["in a cookie", { cookie: [`access_token=${token}`] }, ""],
    ["in a header of another name", { "x-authorization": [`Bearer ${token}`] }, ""],
    ["in the header for proxies", { "proxy-authorization": [`Bearer ${token}`] }, ""],
  ])(
    "is the only place that is read: with a token %s the caller is anonymous",
    async (_where, headers, search) => {
      const { status, body, challenge } = await world.ask(headers, search);
      expect({ status, challenge }).toEqual({ status: 200, challenge: undefined });
      expect(body).toMatchObject({
        data: null,
        errors: [
          { message: expect.stringContaining("cam.quota:read"), extensions: { code: "UNAUTHENTICATED" } },
        ],
      });
    },
  );
});

test("the gateway loads no keys from an address that only a token names", () => {
  expect(world.attacker.asked()).toBe(0);
});

test("the log has no token and no usable part of a token", async () => {
  const refused = await signToken({ issuer: world.main, claims: { nbf: 9_999_999_999 } });
  await world.ask({ authorization: [`Bearer ${refused}`] });
  const log = world.logLines.join("\n");
  expect(log).toContain("auth.token_rejected");
  expect(log).not.toMatch(/eyJ|Bearer e/);
  expect(log).not.toContain(refused.split(".")[2]);
});
