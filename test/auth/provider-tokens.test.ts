import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { IssuerKeys } from "../../src/auth/issuer-keys.ts";
import type { IssuerSettings } from "../../src/auth/issuer-settings.ts";
import { TokenVerifier } from "../../src/auth/token-verifier.ts";
import { loadConfig } from "../../src/config/config.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createKey, publicJwk, signUnkept } from "../support/start-issuer.ts";
import { PROVIDER_TOKENS, type ProviderToken } from "./providers.ts";

const page = readFileSync("docs/operators/identity-providers.md", "utf8");
const rows = [...page.matchAll(/^\| (.+?) +\| `(https:[^`]+)` +\| (.+?) +\|$/gm)].map(
  ([, provider = "", issuer = "", further = ""]) => ({ provider, issuer, further }),
);
const clock = new FakeClock();
const key = await createKey("provider");
// Entra publishes keys without an algorithm.
const { alg: _, ...jwk } = await publicJwk(key);

/** Returns the settings that docs/operators/identity-providers.md gives for a provider: every pair of its row. */
function settingsOf({ provider, issuer, audience }: ProviderToken): IssuerSettings {
  const row = rows.find((one) => one.provider === provider);
  const further = [...(row?.further.matchAll(/`(AUTH_\w+)=([^`]+)`/g) ?? [])].map(
    ([, name = "", value = ""]) => [name, value],
  );
  const env = { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, ...Object.fromEntries(further) };
  // A row with "none, or" has settings that tokens with a scope do not need.
  const { auth } = loadConfig(env, "local");
  if (auth?.issuer === undefined) throw new Error("No issuer.");
  return auth.issuer;
}

async function verify(token: ProviderToken, otherwise: object = {}, settings = settingsOf(token)) {
  const load = async () => JSON.stringify({ keys: [jwk] });
  const observer = { onKeysLoaded: () => {}, onKeysUnavailable: () => {} };
  const keys = new IssuerKeys({ load, clock, observer });
  const now = Math.floor(clock.now() / 1_000);
  const claims = { iss: settings.issuer, iat: now, nbf: now, exp: now + 300, ...token.claims, ...otherwise };
  const header = { alg: key.alg, kid: key.kid, typ: "JWT", ...token.header };
  const signed = await signUnkept(claims, header, key);
  return new TokenVerifier({ issuers: [{ settings, keys }], clock }).verify(signed);
}

function tokenOf(provider: string): ProviderToken {
  const token = PROVIDER_TOKENS.find((one) => one.provider === provider);
  if (token === undefined) throw new Error(`No token of ${provider} is listed.`);
  return token;
}

test("docs/operators/identity-providers.md and this test cover the same providers", () => {
  expect(rows.map(({ provider }) => provider)).toEqual([
    ...new Set(PROVIDER_TOKENS.map(({ provider }) => provider)),
    "Google",
  ]);
});

describe("with the settings of docs/operators/identity-providers.md", () => {
  test.each(PROVIDER_TOKENS.map((token) => [token.provider, token.what, token] as const))(
    "%s: %s is accepted, with its client and scope",
    async (_provider, what, token) => {
      const settings = settingsOf(token);
      // Auth0's settings differ with RBAC, as its row says.
      const scopeClaim = token.provider === "Auth0" && !what.includes("RBAC") ? "scope" : settings.scopeClaim;
      expect(await verify(token, {}, { ...settings, scopeClaim })).toEqual({
        caller: { ...token.caller, issuer: token.issuer, scopes: new Set(["cam.mfa:read"]) },
      });
    },
  );
});

describe("the client", () => {
  const keycloak = tokenOf("Keycloak");
  const none = { azp: undefined };

  test.each([
    ["azp", { azp: "a", client_id: "b", cid: "c", appid: "d" }, "a"],
    ["client_id", { ...none, client_id: "b", cid: "c", appid: "d" }, "b"],
    ["cid", { ...none, cid: "c", appid: "d" }, "c"],
    ["appid", { ...none, appid: "d" }, "d"],
    ["the next claim if one is null", { azp: null, client_id: null, cid: "c" }, "c"],
    ["no claim if none is present", none, undefined],
    ["no claim if the only one is null", { azp: null }, undefined],
    ["no claim if the only one has an empty name", { ...none, "": "portal" }, undefined],
  ])("comes from %s", async (_claim, claims, client) => {
    expect(await verify(keycloak, claims)).toMatchObject({ caller: { client } });
  });

  test.each([
    ["a number", { azp: 7, client_id: "portal" }, "azp"],
    ["a list of one", { azp: ["portal"] }, "azp"],
    ["an object", { ...none, cid: { id: "portal" } }, "cid"],
    ["empty", { ...none, appid: "" }, "appid"],
    ["false", { azp: false, client_id: "portal" }, "azp"],
  ])("that is %s is refused, even if the next claim is valid", async (_what, claims, name) => {
    expect(await verify(keycloak, claims)).toEqual({
      refusal: "The token's client has no usable name.",
      claim: { name, problem: "invalid" },
    });
  });

  test("comes only from the claims of the issuer's settings, in their order", async () => {
    const settings = { ...settingsOf(keycloak), clientClaims: ["act.client", "cid"] };
    const claims = { azp: "portal", cid: "second", act: { client: "first" } };
    expect(await verify(keycloak, claims, settings)).toMatchObject({ caller: { client: "first" } });
    expect(await verify(keycloak, { ...claims, act: "x" }, settings)).toMatchObject({
      caller: { client: "second" },
    });
    expect(await verify(keycloak, { azp: "portal" }, settings)).toMatchObject({
      caller: { client: undefined },
    });
  });
});

describe("scopes with a prefix", () => {
  const cognito = tokenOf("Amazon Cognito");
  const settings = { ...settingsOf(cognito), scopePrefixes: ["mfa-api/", "api://cam/"] };

  test.each<readonly [string, unknown, readonly string[]]>([
    [
      "in one text are accepted",
      "mfa-api/cam.mfa:read api://cam/cam.mfa:write",
      ["cam.mfa:read", "cam.mfa:write"],
    ],
    [
      "in a list are accepted",
      ["mfa-api/cam.mfa:read", "cam.audit:read"],
      ["cam.mfa:read", "cam.audit:read"],
    ],
    ["of another API are ignored", "evil/cam.mfa:write", []],
    ["of an API with the same beginning are ignored", "mfa-api2/cam.mfa:write mfa-api/x/cam.mfa:write", []],
    ["of an API with the same end are ignored", "evil/mfa-api/cam.mfa:write xmfa-api/cam.mfa:write", []],
    [
      "with the prefix twice are ignored",
      "mfa-api/mfa-api/cam.mfa:write mfa-api/api://cam/cam.mfa:write",
      [],
    ],
    ["in capitals are ignored", "MFA-API/cam.mfa:write mfa-api/CAM.MFA:WRITE", []],
    ["with an encoded slash are ignored", "mfa-api%2Fcam.mfa:write mfa-api//cam.mfa:write", []],
    [
      "with a longer name are ignored",
      "mfa-api/cam.mfa:write/x mfa-api/cam.mfa:writes mfa-api/cam.mfa:*",
      [],
    ],
    ["without a name are ignored", "mfa-api/ mfa-api", []],
    ["apart from their prefix count as unprefixed", "mfa-api/ cam.mfa:write", ["cam.mfa:write"]],
    ["with spaces in an entry of a list are ignored", ["mfa-api/cam.mfa:read mfa-api/cam.mfa:write"], []],
  ])("%s", async (_how, scope, scopes) => {
    expect(await verify(cognito, { scope }, settings)).toMatchObject({ caller: { scopes: new Set(scopes) } });
  });

  test("are accepted in roles as well, and never without the setting", async () => {
    const roles = { scope: "", roles: ["mfa-api/cam.mfa:read", "evil/cam.mfa:write"] };
    const given = { ...settings, roleClaim: "roles" };
    expect(await verify(cognito, roles, given)).toMatchObject({
      caller: { scopes: new Set(["cam.mfa:read"]) },
    });
    const plain = { ...given, scopePrefixes: [] };
    expect(await verify(cognito, roles, plain)).toMatchObject({ caller: { scopes: new Set() } });
  });
});

describe("the audience", () => {
  const cognito = tokenOf("Amazon Cognito");
  const refusal = "The token is meant for another service.";

  test.each([
    ["another client", { client_id: "other" }],
    ["no client", { client_id: undefined }],
    ["a list of lists", { client_id: [["1example23456789"]] }],
  ])("in another claim must match exactly: a token with %s is refused", async (_whose, claims) => {
    expect(await verify(cognito, claims)).toMatchObject({ refusal });
  });

  test("in the claim aud decides, even if another claim matches", async () => {
    expect(await verify(cognito, { aud: "https://other-api.example.com" })).toMatchObject({ refusal });
    expect(await verify(cognito, { aud: "1example23456789" })).toHaveProperty("caller");
  });

  test("comes from another claim only if the settings say so", async () => {
    const settings = { ...settingsOf(cognito), audienceClaim: "aud" };
    expect(await verify(cognito, {}, settings)).toMatchObject({ refusal });
  });

  test("that differs by a slash at its end is refused, and the log names the difference", async () => {
    expect(await verify(tokenOf("Auth0"), { aud: ["x", "https://mfa.example.com/"] })).toMatchObject({
      refusal,
      mismatch: {
        aud: "x, https://mfa.example.com/",
        expectedAud: "https://mfa.example.com",
        hint: "They differ by a slash at the end.",
      },
    });
  });
});

test.each([
  ["an extra slash", "Okta", "https://acme.okta.com/oauth2/default/", "They differ by a slash at the end."],
  ["a missing slash", "Auth0", "https://acme.eu.auth0.com", "They differ by a slash at the end."],
  ["capital letters", "Auth0", "https://Acme.eu.auth0.com/", "They differ by capital letters."],
  ["http", "Okta", "http://acme.okta.com/oauth2/default", "They differ by http and https."],
  [
    "the version of Entra",
    "Microsoft Entra ID v2",
    tokenOf("Microsoft Entra ID v1").issuer,
    "They name one Entra tenant, in tokens of version 1 and version 2.",
  ],
  ["the tenant of Entra", "Microsoft Entra ID v2", "https://sts.windows.net/another/", undefined],
  ["everything", "Okta", "https://evil.example", undefined],
])(
  "an issuer that differs by %s is refused, and the log has both names",
  async (_how, provider, iss, hint) => {
    const token = tokenOf(provider);
    expect(await verify(token, { iss })).toEqual({
      refusal: "The gateway does not trust the token's issuer.",
      mismatch: expect.objectContaining({ iss, expectedIss: token.issuer, hint }),
    });
  },
);

test.each([
  ["Keycloak's ID token", "Keycloak", { typ: "ID" }],
  ["Keycloak's refresh token", "Keycloak", { typ: "Refresh" }],
  ["Cognito's ID token", "Amazon Cognito", { token_use: "id", aud: "1example23456789" }],
  ["an ID token with the hash of an access token", "Okta", { at_hash: "fPlsvVszI29LU2UhDyJ9vg" }],
  ["an ID token with the hash of a code", "Microsoft Entra ID v2", { c_hash: "x", aud: APP() }],
])("%s is not an access token", async (_what, provider, claims) => {
  expect(await verify(tokenOf(provider), claims)).toEqual({
    refusal: "The token is not an access token.",
  });
});

function APP(): string {
  return tokenOf("Microsoft Entra ID v2").audience;
}

test.each([
  ["sub", "missing", { sub: undefined }],
  ["exp", "missing", { exp: undefined }],
  ["exp", "invalid", { exp: "soon" }],
  ["iat", "invalid", { iat: "now" }],
  ["nbf", "check_failed", { nbf: 9_999_999_999 }],
  ["tenant", "missing", {}],
])(
  "the log names the wrong claim %s (%s), and the caller's error does not",
  async (name, problem, claims) => {
    const token = tokenOf("PingOne");
    const requiredClaims = name === "tenant" ? ["tenant"] : [];
    const refused = await verify(token, claims, { ...settingsOf(token), requiredClaims });
    expect(refused).toMatchObject({ claim: { name, problem } });
    if (name !== "nbf") {
      const words = "The token lacks a required claim, or the claim has another form.";
      expect(refused).toMatchObject({ refusal: words });
    }
  },
);

test("a token without its groups, which Entra leaves out if they are too many, gives no scope", async () => {
  const entra = tokenOf("Microsoft Entra ID v2");
  const settings: IssuerSettings = {
    ...settingsOf(entra),
    roleClaim: "groups",
    roleScopes: { admins: ["cam.mfa:write"] },
  };
  const overage = {
    scp: undefined,
    _claim_names: { groups: "src1" },
    _claim_sources: { src1: { endpoint: "https://graph.microsoft.com/v1.0/users/1/getMemberObjects" } },
  };
  expect(await verify(entra, overage, settings)).toMatchObject({ caller: { scopes: new Set() } });
});

test("a Google service account gets its scopes by its email address", async () => {
  const google = { ...tokenOf("PingOne"), issuer: "https://accounts.google.com" };
  const settings: IssuerSettings = {
    ...settingsOf(tokenOf("PingOne")),
    issuer: google.issuer,
    roleClaim: "email",
    roleScopes: { "job@acme.iam.gserviceaccount.com": ["cam.mfa:read"] },
  };
  const claims = { scope: undefined, client_id: undefined, azp: "1107", sub: "1107", email_verified: true };
  const email = "job@acme.iam.gserviceaccount.com";
  expect(await verify(google, { ...claims, email }, settings)).toMatchObject({
    caller: { subject: "1107", client: "1107", scopes: new Set(["cam.mfa:read"]) },
  });
  expect(await verify(google, { ...claims, email: `x${email}` }, settings)).toMatchObject({
    caller: { scopes: new Set() },
  });
});
