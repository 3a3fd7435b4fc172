import { describe, expect, test } from "vitest";
import { AuthFileError, loadAuthFiles } from "../../src/auth/auth-files.ts";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import { createKey, publicJwk } from "../support/start-issuer.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const key = await createKey("key-1");
const GOOD_KEYS = JSON.stringify({ keys: [await publicJwk(key)] });
const ISSUER = { issuer: "https://a.example", jwksUrl: "https://a.example/keys", audience: "gateway" };

/** Loads the issuers of these variables and their files in local mode, in which authentication is optional. */
async function load(env: Readonly<Record<string, string>>) {
  const { auth } = loadConfig(env, "local");
  if (auth === undefined) throw new Error("The configuration has no authentication.");
  return (await loadAuthFiles(auth)).issuers;
}

async function problemsOf(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  try {
    await load(env);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof AuthFileError) return error.problems;
    throw error;
  }
  throw new Error("The configuration was accepted.");
}

async function fileOf(issuers: unknown): Promise<Record<string, string>> {
  const folder = await temporaryFolder();
  const text = typeof issuers === "string" ? issuers : JSON.stringify(issuers);
  return { AUTH_ISSUERS_FILE: await folder.write("issuers.json", text) };
}

describe("one issuer in variables", () => {
  const one = { AUTH_ISSUER: ISSUER.issuer, AUTH_JWKS_URL: ISSUER.jwksUrl, AUTH_AUDIENCE: "gateway" };

  test("has defaults for all other settings", async () => {
    expect(await load(one)).toEqual([
      {
        issuer: "https://a.example",
        keys: { url: "https://a.example/keys" },
        audiences: ["gateway"],
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
        clockToleranceS: 10,
        requiredClaims: [],
        audienceClaim: "aud",
        clientClaims: ["azp", "client_id", "cid", "appid"],
        scopeClaim: "scope",
        scopePrefixes: [],
        roleClaim: undefined,
        roleScopes: {},
      },
    ]);
  });

  test("has its keys discovered if AUTH_JWKS_URL is empty", async () => {
    const keys = { discoverAt: "https://a.example" };
    expect(await load({ ...one, AUTH_JWKS_URL: "" })).toMatchObject([{ issuer: "https://a.example", keys }]);
  });

  test("has the settings that the variables give", async () => {
    const more = {
      AUTH_AUDIENCE: "gateway, api://gateway",
      AUTH_ALGORITHMS: "ES256,ES384",
      AUTH_CLOCK_TOLERANCE_S: "0",
      AUTH_REQUIRED_CLAIMS: "jti,tenant",
      AUTH_SCOPE_CLAIM: "scp",
      AUTH_ROLE_CLAIM: "realm_access.roles",
      AUTH_AUDIENCE_CLAIM: "client_id",
      AUTH_CLIENT_CLAIMS: "cid, appid",
      AUTH_SCOPE_PREFIXES: "mfa-api/, api://cam/",
    };
    expect(await load({ ...one, ...more })).toMatchObject([
      {
        audiences: ["gateway", "api://gateway"],
        algorithms: ["ES256", "ES384"],
        clockToleranceS: 0,
        requiredClaims: ["jti", "tenant"],
        scopeClaim: "scp",
        roleClaim: "realm_access.roles",
        audienceClaim: "client_id",
        clientClaims: ["cid", "appid"],
        scopePrefixes: ["mfa-api/", "api://cam/"],
      },
    ]);
  });

  test.each([
    ["an empty client claim", { AUTH_CLIENT_CLAIMS: "azp,," }, "AUTH_CLIENT_CLAIMS must not be empty"],
    ["an empty prefix", { AUTH_SCOPE_PREFIXES: "a/," }, "AUTH_SCOPE_PREFIXES must not be empty"],
    [
      "two prefixes with a space between them",
      { AUTH_SCOPE_PREFIXES: "a/ b/" },
      "AUTH_SCOPE_PREFIXES must not contain spaces",
    ],
    [
      "no audience",
      { AUTH_AUDIENCE: "" },
      "AUTH_AUDIENCE is not set: the service that the tokens are meant for",
    ],
    [
      "no keys and a name that is not a URL",
      { AUTH_ISSUER: "a.example", AUTH_JWKS_URL: "" },
      "AUTH_JWKS_URL or AUTH_JWKS_FILE must be set",
    ],
    [
      "no keys and an issuer without TLS",
      { AUTH_ISSUER: "http://a.example", AUTH_JWKS_URL: "" },
      "the issuer is not an https URL",
    ],
    [
      "keys in two places",
      { AUTH_JWKS_FILE: "/keys" },
      "AUTH_JWKS_URL and AUTH_JWKS_FILE cannot both be set",
    ],
    [
      "a key address without TLS",
      { AUTH_JWKS_URL: "http://a.example/keys" },
      "AUTH_JWKS_URL must be an https URL",
    ],
    ["a key address without a scheme", { AUTH_JWKS_URL: "a.example" }, "AUTH_JWKS_URL must be an https URL"],
    [
      "a file URL as the key address",
      { AUTH_JWKS_URL: "file:///keys" },
      "AUTH_JWKS_URL must be an https URL",
    ],
    [
      "a symmetric algorithm",
      { AUTH_ALGORITHMS: "RS256,HS256" },
      'AUTH_ALGORITHMS has "HS256", which is none of',
    ],
    ["the algorithm none", { AUTH_ALGORITHMS: "none" }, 'AUTH_ALGORITHMS has "none", which is none of RS256'],
    ["an empty algorithm", { AUTH_ALGORITHMS: "RS256," }, 'AUTH_ALGORITHMS has "", which is none of RS256'],
    [
      "a tolerance of an hour",
      { AUTH_CLOCK_TOLERANCE_S: "3600" },
      "AUTH_CLOCK_TOLERANCE_S must be from 0 to 300",
    ],
    ["an empty claim", { AUTH_REQUIRED_CLAIMS: "jti,," }, "AUTH_REQUIRED_CLAIMS must not be empty"],
    [
      "a file of issuers as well",
      { AUTH_ISSUERS_FILE: "/issuers" },
      "Set only one of AUTH_ISSUER and AUTH_ISSUERS_FILE",
    ],
    ["a misspelt variable", { AUTH_AUDIENCES: "gateway" }, "AUTH_AUDIENCES is not a variable of the gateway"],
  ])("cannot have %s", async (_what, env, problem) => {
    const [first] = await problemsOf({ ...one, ...env });
    expect(first).toContain(problem);
  });

  test.each([
    "AUTH_JWKS_URL",
    "AUTH_JWKS_FILE",
    "AUTH_AUDIENCE",
    "AUTH_REQUIRED_CLAIMS",
    "AUTH_ROLE_CLAIM",
    "AUTH_SCOPE_PREFIXES",
  ])("needs AUTH_ISSUER if %s is set", async (name) => {
    expect(await problemsOf({ [name]: "x" })).toEqual([`${name} is set without AUTH_ISSUER.`]);
  });
});

describe("a file of issuers", () => {
  test("describes several issuers, each with its own settings", async () => {
    const roles = { roleClaim: "roles", roleScopes: { auditor: ["cam.audit:read"] } };
    const other = { ...ISSUER, issuer: "https://b.example", audience: ["a", "b"], ...roles };
    expect(await load(await fileOf({ issuers: [ISSUER, other] }))).toMatchObject([
      { issuer: "https://a.example", audiences: ["gateway"] },
      { issuer: "https://b.example", audiences: ["a", "b"], ...roles },
    ]);
  });

  test.each<readonly [string, unknown, string]>([
    ["text that is not JSON", "issuers:", "AUTH_ISSUERS_FILE must be JSON"],
    ["a list without an object around it", [ISSUER], "AUTH_ISSUERS_FILE:"],
    ["no issuer", { issuers: [] }, "AUTH_ISSUERS_FILE: issuers names no issuer."],
    ["a misspelt setting", { issuers: [{ ...ISSUER, audiences: "b" }] }, '"audiences"'],
    [
      "an issuer without an audience",
      { issuers: [{ ...ISSUER, audience: undefined }] },
      "issuers.0.audience is not set",
    ],
    [
      "an issuer with a number as its audience",
      { issuers: [{ ...ISSUER, audience: 7 }] },
      "issuers.0.audience must be a text or a list of texts",
    ],
    [
      "an issuer without keys",
      { issuers: [{ ...ISSUER, issuer: "ci", jwksUrl: undefined }] },
      "issuers.0.jwksUrl or jwksFile must be set",
    ],
    [
      "an issuer with an HMAC algorithm",
      { issuers: [{ ...ISSUER, algorithms: ["HS256"] }] },
      'issuers.0.algorithms.0 has "HS256"',
    ],
    ["an issuer without algorithms", { issuers: [{ ...ISSUER, algorithms: [] }] }, "issuers.0.algorithms"],
    [
      "an unknown scope",
      { issuers: [{ ...ISSUER, roleClaim: "roles", roleScopes: { a: ["cam.mfa"] } }] },
      'issuers.0.roleScopes.a.0 has "cam.mfa", which is none of cam.mfa:read',
    ],
    [
      "role scopes without a role claim",
      { issuers: [{ ...ISSUER, roleScopes: { a: ["cam.mfa:read"] } }] },
      "issuers.0.roleScopes has no meaning without roleClaim",
    ],
    [
      "the same issuer twice",
      { issuers: [ISSUER, ISSUER] },
      "the issuer https://a.example occurs more than once",
    ],
  ])("cannot have %s", async (_what, content, problem) => {
    const problems = await problemsOf(await fileOf(content));
    expect(problems.join("\n")).toContain(problem);
  });

  test("must exist", async () => {
    const problems = await problemsOf({ AUTH_ISSUERS_FILE: "/nowhere/issuers.json" });
    expect(problems).toEqual(["AUTH_ISSUERS_FILE /nowhere/issuers.json cannot be read (ENOENT)."]);
  });
});

describe("a file of keys", () => {
  async function withKeys(text: string): Promise<Record<string, string>> {
    const file = await (await temporaryFolder()).write("keys.json", text);
    return { AUTH_ISSUER: "https://a.example", AUTH_JWKS_FILE: file, AUTH_AUDIENCE: "gateway" };
  }

  test("can replace a key address", async () => {
    const env = await withKeys(GOOD_KEYS);
    expect(await load(env)).toMatchObject([{ keys: { file: env["AUTH_JWKS_FILE"] } }]);
  });

  test.each([
    ["a PEM", "-----BEGIN PUBLIC KEY-----", "is not a JSON Web Key Set"],
    ["a key without a set", '{"kty":"RSA"}', "is not a JSON Web Key Set"],
    ["an empty set", '{"keys":[]}', "has no key"],
    [
      "a set with a symmetric key",
      '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}',
      "has a private or symmetric key",
    ],
    [
      "a set with a private key",
      '{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ"}]}',
      "has a private or symmetric key",
    ],
  ])("cannot be %s", async (_what, text, problem) => {
    expect(await problemsOf(await withKeys(text))).toEqual([expect.stringContaining(problem)]);
  });

  test("must exist", async () => {
    const env = { AUTH_ISSUER: "https://a.example", AUTH_JWKS_FILE: "/nowhere", AUTH_AUDIENCE: "gateway" };
    expect(await problemsOf(env)).toEqual(["The key set /nowhere cannot be read (ENOENT)."]);
  });
});

describe("certificates from a proxy", () => {
  const all = {
    AUTH_CLIENT_CERT_HEADER: "X-Client-Cert",
    AUTH_CLIENT_CERT_SCOPES: "cam.mfa:read, cam.quota:read",
    AUTH_PROXY_ADDRESSES: "10.0.0.0/8, ::1",
  };

  test("authenticate callers with a header, proxies and scopes", () => {
    expect(loadConfig(all, "local")).toMatchObject({
      auth: {
        certificates: {
          header: "x-client-cert",
          proxies: ["10.0.0.0/8", "::1"],
          scopes: ["cam.mfa:read", "cam.quota:read"],
        },
      },
    });
  });

  test("are optional: AUTH_PROXY_ADDRESSES may be set alone", async () => {
    const env = { AUTH_PROXY_ADDRESSES: "10.0.0.0/8,::1" };
    expect(loadConfig(env, "local")).toMatchObject({
      auth: undefined,
      http: { proxies: ["10.0.0.0/8", "::1"] },
    });
    expect(await problemsOf({ AUTH_PROXY_ADDRESSES: "0.0.0.0/0" })).toEqual([
      expect.stringContaining('"0.0.0.0/0", which covers every address'),
    ]);
  });

  test.each([
    [
      "an invalid header name",
      { AUTH_CLIENT_CERT_HEADER: "x client" },
      "AUTH_CLIENT_CERT_HEADER must be the name",
    ],
    [
      "the header that carries tokens",
      { AUTH_CLIENT_CERT_HEADER: "Authorization" },
      "AUTH_CLIENT_CERT_HEADER cannot be",
    ],
    ["no scopes", { AUTH_CLIENT_CERT_SCOPES: "" }, "AUTH_CLIENT_CERT_SCOPES is not set"],
    ["an unknown scope", { AUTH_CLIENT_CERT_SCOPES: "admin" }, 'AUTH_CLIENT_CERT_SCOPES has "admin"'],
    ["no proxy", { AUTH_PROXY_ADDRESSES: "" }, "AUTH_PROXY_ADDRESSES is not set"],
    [
      "a host name as a proxy",
      { AUTH_PROXY_ADDRESSES: "proxy.example" },
      'AUTH_PROXY_ADDRESSES has "proxy.example"',
    ],
    [
      "a network with an impossible prefix length",
      { AUTH_PROXY_ADDRESSES: "10.0.0.0/33" },
      'AUTH_PROXY_ADDRESSES has "10.0.0.0/33"',
    ],
    [
      "a proxy network of all addresses",
      { AUTH_PROXY_ADDRESSES: "0.0.0.0/0" },
      '"0.0.0.0/0", which covers every address',
    ],
    [
      "a network without a prefix length",
      { AUTH_PROXY_ADDRESSES: "10.0.0.0/" },
      'AUTH_PROXY_ADDRESSES has "10.0.0.0/"',
    ],
  ])("cannot have %s", async (_what, env, problem) => {
    expect(await problemsOf({ ...all, ...env })).toContainEqual(expect.stringContaining(problem));
  });
});

describe("a file of certificate owners", () => {
  const ONE = "https://a.example";
  const of = (certificates: unknown) => JSON.stringify({ certificates });
  const li = { certificate: "CN=li", subject: "li@example.com" };

  async function owners(content: string, issuers: readonly string[] = [ONE]) {
    const folder = await temporaryFolder();
    const described = issuers.map((issuer) => ({ issuer, jwksUrl: `${ONE}/keys`, audience: "gateway" }));
    const issuersFile = await folder.write("issuers.json", JSON.stringify({ issuers: described }));
    const env = {
      AUTH_CLIENT_CERT_HEADER: "x-client-cert",
      AUTH_CLIENT_CERT_SCOPES: "cam.mfa:read",
      AUTH_PROXY_ADDRESSES: "10.0.0.0/8",
      AUTH_CLIENT_CERT_SUBJECTS_FILE: await folder.write("owners.json", content),
      ...(issuers.length === 0 ? {} : { AUTH_ISSUERS_FILE: issuersFile }),
    };
    const { auth } = loadConfig(env, "local");
    if (auth === undefined) throw new Error("The configuration has no authentication.");
    return (await loadAuthFiles(auth)).certificateOwners;
  }

  test('gives an owner the issuer of its entry, the only issuer, or "client certificate"', async () => {
    expect([...(await owners(of([li])))]).toEqual([["CN=li", { subject: li.subject, issuer: ONE }]]);
    const both = [ONE, "https://b.example"];
    const given = of([{ ...li, issuer: "https://b.example" }]);
    expect((await owners(given, both)).get("CN=li")).toEqual({ subject: li.subject, issuer: both[1] });
    expect((await owners(of([li]), [])).get("CN=li")?.issuer).toBe("client certificate");
  });

  test.each([
    ["text that is not JSON", "{", ONE, "must be an object"],
    ["no certificate", of([]), ONE, "certificates names no certificate"],
    ["an empty name", of([{ ...li, certificate: "" }]), ONE, "certificates.0.certificate must not be empty"],
    ["no subject", of([{ certificate: "CN=li" }]), ONE, "certificates.0.subject must be a text"],
    [
      "a subject with an invisible character",
      of([{ ...li, subject: "li\u200b" }]),
      ONE,
      "must be a printable text",
    ],
    ["a subject of mixed scripts", of([{ ...li, subject: "l\u0456" }]), ONE, "must not mix scripts"],
    ["an unknown field", of([{ ...li, scopes: [] }]), ONE, 'Unrecognized key: "scopes"'],
    ["the same certificate twice", of([li, { ...li, subject: "chen" }]), ONE, "CN=li occurs more than once"],
    [
      "an issuer with an extra slash",
      of([{ ...li, issuer: `${ONE}/` }]),
      ONE,
      `the issuer ${ONE}/ of CN=li is none of ${ONE}`,
    ],
  ])("cannot have %s", async (_what, content, issuer, problem) => {
    await expect(owners(content, [issuer])).rejects.toMatchObject({
      problems: [expect.stringContaining(problem)],
    });
  });

  test("must name an issuer if there are several, and needs AUTH_CLIENT_CERT_HEADER", async () => {
    await expect(owners(of([li]), [ONE, "https://b.example"])).rejects.toMatchObject({
      problems: [expect.stringContaining("CN=li needs an issuer")],
    });
    expect(await problemsOf({ AUTH_CLIENT_CERT_SUBJECTS_FILE: "/nowhere" })).toContainEqual(
      "AUTH_CLIENT_CERT_SUBJECTS_FILE is set without AUTH_CLIENT_CERT_HEADER.",
    );
  });
});

describe("the router's secret", () => {
  const one = { AUTH_ISSUER: ISSUER.issuer, AUTH_JWKS_URL: ISSUER.jwksUrl, AUTH_AUDIENCE: "gateway" };
  const SECRET = "a secret that only the router knows";

  test.each([
    ["short", { ...one, ROUTER_SECRET: "secret" }, "ROUTER_SECRET must have at least 32 characters."],
    [
      "in characters that a header cannot contain",
      { ...one, ROUTER_SECRET: `${SECRET} é` },
      "ROUTER_SECRET has a character",
    ],
    ["followed by a space", { ...one, ROUTER_SECRET: `${SECRET} ` }, "or a space around it"],
    [
      "in two places",
      { ...one, ROUTER_SECRET: SECRET, ROUTER_SECRET_FILE: "/s" },
      "Set only one of ROUTER_SECRET",
    ],
    ["the only authentication", { ROUTER_SECRET: SECRET }, "set AUTH_ISSUER as well"],
    [
      "in a file that does not exist",
      { ...one, ROUTER_SECRET_FILE: "/nowhere" },
      "ROUTER_SECRET_FILE /nowhere cannot",
    ],
  ])("cannot be %s", async (_what, env, problem) => {
    expect(await problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });

  test("cannot be short in a file, and is redacted in the printed configuration", async () => {
    const file = await (await temporaryFolder()).write("secret", "too short\n");
    const problems = await problemsOf({ ...one, ROUTER_SECRET_FILE: file });
    expect(problems).toEqual(["ROUTER_SECRET_FILE must have at least 32 characters."]);
    expect(JSON.stringify(loadConfig({ ...one, ROUTER_SECRET: SECRET }, "local"))).not.toContain(SECRET);
  });
});
