import { beforeEach, describe, expect, test } from "vitest";
import { IssuerKeys, loadJwks } from "../../src/auth/issuer-keys.ts";
import type { IssuerSettings } from "../../src/auth/issuer-settings.ts";
import { TokenVerifier } from "../../src/auth/token-verifier.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { AUDIENCE, type StartedIssuer, startIssuer } from "../support/start-issuer.ts";

const FRESH_MS = 5 * 60_000;

let clock: FakeClock;
let issuer: StartedIssuer;
let tokens: TokenVerifier;

beforeEach(async () => {
  clock = new FakeClock();
  issuer = await startIssuer({ nowMs: () => clock.now() });
  const place = { url: issuer.jwksUrl };
  const observer = { onKeysLoaded: () => {}, onKeysUnavailable: () => {} };
  const settings: IssuerSettings = {
    issuer: issuer.url,
    keys: place,
    audiences: [AUDIENCE],
    algorithms: ["RS256"],
    clockToleranceS: 10,
    requiredClaims: [],
    audienceClaim: "aud",
    clientClaims: ["azp", "client_id"],
    scopeClaim: "scope",
    scopePrefixes: [],
    roleClaim: undefined,
    roleScopes: {},
  };
  const keys = new IssuerKeys({ load: () => loadJwks(place), clock, observer });
  tokens = new TokenVerifier({ issuers: [{ settings, keys }], clock });
});

test("verify returns the subject, client, issuer and scopes of a token", async () => {
  const claims = { azp: undefined, client_id: "portal", scope: "openid cam.mfa:read cam.mfa:write" };
  expect(await tokens.verify(await issuer.sign({ claims }))).toEqual({
    caller: {
      subject: "alice@example.com",
      client: "portal",
      issuer: issuer.url,
      scopes: new Set(["cam.mfa:read", "cam.mfa:write"]),
    },
  });
});

describe("a token that was verified", () => {
  test("returns the same caller object again", async () => {
    const token = await issuer.sign();
    const first = await tokens.verify(token);
    const second = await tokens.verify(token);
    expect("caller" in first && "caller" in second && first.caller === second.caller).toBe(true);
  });

  test("stays cached only until it expires", async () => {
    const token = await issuer.sign();
    await tokens.verify(token);
    await clock.advance(300_000 + 9_999);
    expect(await tokens.verify(token)).toHaveProperty("caller");
    await clock.advance(1);
    expect(await tokens.verify(token)).toMatchObject({ refusal: "The token has expired." });
  });

  test("stays cached only until its key is gone from the loaded key set", async () => {
    const token = await issuer.sign({ claims: { exp: clock.now() / 1_000 + 86_400 } });
    await tokens.verify(token);
    await issuer.rotate();
    await clock.advance(FRESH_MS + 1);
    // The first token after the rotation names the new key, so that the gateway fetches it.
    await tokens.verify(await issuer.sign());
    expect(await tokens.verify(token)).toEqual({ refusal: "The token names no key of its issuer." });
  });

  test("is accepted while the issuer is unavailable", async () => {
    const token = await issuer.sign({ claims: { exp: clock.now() / 1_000 + 86_400 } });
    await tokens.verify(token);
    issuer.answer(503);
    await clock.advance(3_600_000);
    expect(await tokens.verify(token)).toHaveProperty("caller");
  });
});

test("a refused token is verified again, because it may become valid", async () => {
  const token = await issuer.sign({ claims: { nbf: clock.now() / 1_000 + 60 } });
  expect(await tokens.verify(token)).toMatchObject({ refusal: "The token is not valid yet." });
  await clock.advance(60_000);
  expect(await tokens.verify(token)).toHaveProperty("caller");
});

test("after a rotation the new key is accepted without a restart, and the old one is refused", async () => {
  const old = issuer.key;
  await tokens.verify(await issuer.sign());
  await issuer.rotate();
  await clock.advance(10_000);
  expect(await tokens.verify(await issuer.sign())).toHaveProperty("caller");
  expect(await tokens.verify(await issuer.sign({ key: old }))).toHaveProperty("refusal");
});

test("many concurrent tokens fetch the keys once", async () => {
  const signed = await Promise.all(
    Array.from({ length: 50 }, (_, at) => issuer.sign({ claims: { sub: `user-${at}` } })),
  );
  const callers = await Promise.all(signed.map((token) => tokens.verify(token)));
  expect(callers.every((one) => "caller" in one)).toBe(true);
  expect(issuer.served()).toBe(1);
});
