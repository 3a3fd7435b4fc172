import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { generate } from "selfsigned";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkFiles, withMistakesInFiles } from "../../src/cli/check-files.ts";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import type { Mode } from "../../src/config/variables.ts";
import { keepFigure, keepSecret } from "../support/leaks/written.ts";
import { SOME_ISSUER, SOME_POLICY } from "../support/server-env.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SECRET = keepSecret("a key of a mistaken configuration", "MistakenSecretKey0123456789");

const GOOD = {
  CAM_ENDPOINT: "https://cam.tencentcloudapi.com",
  TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE",
  TENCENTCLOUD_SECRET_KEY: SECRET,
  DATABASE_URL: "postgres://gateway:password@db:5432/gateway",
  ...SOME_ISSUER,
  ...SOME_POLICY,
};

const ROLE = "qcs::cam::uin/100000000001:roleName/gateway";
const pem = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
});

const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });

/** The files in the folder that replaces `@` in a value. */
let files: Readonly<Record<string, string>>;
let folder: string;

beforeAll(async () => {
  const one = await generate([{ name: "commonName", value: "one" }]);
  const other = await generate([{ name: "commonName", value: "other" }]);
  files = {
    "cert.pem": one.cert,
    "key.pem": one.private,
    "other-key.pem": other.private,
    "rsa.pem": String(pem),
    "ed25519.pem": String(ed25519),
    "page.html": `<html>${SECRET}</html>`,
    blank: " \n",
    id: "AKIDEXAMPLE\n",
    short: "secret\n",
    mysql: `mysql://user:${SECRET}@db/gateway`,
    "issuers.json": '{"issuers":[{"issuer":"https://a.example"}]}',
    "good-issuers.json": '{"issuers":[{"issuer":"https://a.example","audience":"gateway"}]}',
    "no-keys.json": '{"keys":[]}',
    "private.json": `{"keys":[{"kty":"oct","k":"${SECRET}"}]}`,
    "policy.yaml": "rules:\n  - id: a\n    effect: permit\n",
    "two-persons.yaml": "rules:\n  - id: two\n    effect: allow\n    approval: { expiresInMinutes: 60 }\n",
    "documents.json": '{"documents":[]}',
    "accounts.yaml": `accounts:\n  a b:\n    endpoint: ${SECRET}\n`,
  };
  const temporary = await temporaryFolder();
  folder = temporary.path;
  for (const [name, text] of Object.entries(files)) await temporary.write(name, text);
});

async function problemsOf(change: Readonly<Record<string, string>>, mode: Mode) {
  const env = Object.fromEntries(
    Object.entries({ ...GOOD, ...change }).map(([name, value]) => [name, value.replace("@", `${folder}/`)]),
  );
  try {
    await checkFiles(loadConfig(env, mode));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return (await withMistakesInFiles(error)).problems;
    throw error;
  }
}

const NO_PAIR = { TENCENTCLOUD_SECRET_ID: "", TENCENTCLOUD_SECRET_KEY: "" };
const PROXY = {
  AUTH_CLIENT_CERT_HEADER: "x-cert",
  AUTH_CLIENT_CERT_SCOPES: "cam.mfa:read",
  AUTH_PROXY_ADDRESSES: "10.0.0.1",
};
const TKE = { TKE_REGION: "ap-guangzhou", TKE_PROVIDER_ID: "cls-1", TKE_ROLE_ARN: ROLE };

/** Mistakes and their messages. Each message is one sentence that names the setting to change. */
const MISTAKES: readonly (readonly [
  mistake: string,
  change: Readonly<Record<string, string>>,
  said: RegExp,
])[] = [
  ["a port as a word", { PORT: "http" }, /^PORT must be a whole number\.$/],
  ["a port too high", { PORT: "70000" }, /^PORT must be from 0 to 65535\.$/],
  ["an unknown log level", { LOG_LEVEL: "verbose" }, /^LOG_LEVEL must be one of fatal, error/],
  ["a switch other than on or off", { PLAYGROUND: "true" }, /^PLAYGROUND must be one of on, off\.$/],
  ["a time with its unit", { CAM_TIMEOUT_MS: "5s" }, /^CAM_TIMEOUT_MS must be a whole number\.$/],
  [
    "an attempt longer than the whole operation",
    { CAM_TIMEOUT_MS: "20000" },
    /^CAM_TIMEOUT_MS \(20000\) is longer than CAM_DEADLINE_MS/,
  ],
  ["a misspelt variable", { CAM_ENDPOINTS: "x" }, /^CAM_ENDPOINTS is not a variable .* --help/],
  ["a misspelt variable of TLS", { TLS_CERTFILE: "x" }, /^TLS_CERTFILE is not a variable .* --help/],
  ["a misspelt router secret", { ROUTER_SECRETS: "x" }, /^ROUTER_SECRETS is not a variable/],
  [
    "no authentication method",
    { AUTH_ISSUER: "", AUTH_JWKS_URL: "", AUTH_AUDIENCE: "" },
    /^No caller can authenticate: set AUTH_ISSUER/,
  ],
  [
    "an issuer without an audience",
    { AUTH_AUDIENCE: "" },
    /^AUTH_AUDIENCE is not set: the service that the tokens are meant for/,
  ],
  [
    "keys over plain HTTP",
    { AUTH_JWKS_URL: "http://login.example.com/keys" },
    /^AUTH_JWKS_URL must be an https URL/,
  ],
  [
    "keys in two places",
    { AUTH_JWKS_FILE: "@no-keys.json" },
    /^AUTH_JWKS_URL and AUTH_JWKS_FILE cannot both/,
  ],
  [
    "an issuer without an address for its keys",
    { AUTH_ISSUER: "login", AUTH_JWKS_URL: "" },
    /^AUTH_JWKS_URL or AUTH_JWKS_FILE must be set/,
  ],
  ["tokens without a signature", { AUTH_ALGORITHMS: "none" }, /^AUTH_ALGORITHMS has "none"/],
  [
    "tokens signed with a shared secret",
    { AUTH_ALGORITHMS: "HS256" },
    /^AUTH_ALGORITHMS has "HS256".* more parties than the issuer/,
  ],
  [
    "two ways to name issuers",
    { AUTH_ISSUERS_FILE: "@good-issuers.json" },
    /^Set only one of AUTH_ISSUER and AUTH_ISSUERS_FILE/,
  ],
  [
    "a key set without a key",
    { AUTH_JWKS_URL: "", AUTH_JWKS_FILE: "@no-keys.json" },
    /^The key set \S+no-keys\.json has no key\.$/,
  ],
  [
    "a key set with a secret",
    { AUTH_JWKS_URL: "", AUTH_JWKS_FILE: "@private.json" },
    /has a private or symmetric key/,
  ],
  [
    "a key set that is a page",
    { AUTH_JWKS_URL: "", AUTH_JWKS_FILE: "@page.html" },
    /is not a JSON Web Key Set/,
  ],
  [
    "a key set that is an HTML page",
    { AUTH_JWKS_URL: "", AUTH_JWKS_FILE: "@page.html" },
    /is not a JSON Web Key Set/,
  ],
  [
    "a missing key set",
    { AUTH_JWKS_URL: "", AUTH_JWKS_FILE: "@nothing" },
    /nothing cannot be read \(ENOENT\)/,
  ],
  [
    "certificates without a proxy",
    { ...PROXY, AUTH_PROXY_ADDRESSES: "" },
    /^AUTH_PROXY_ADDRESSES is not set; .* need all of/,
  ],
  [
    "a proxy given by name",
    { ...PROXY, AUTH_PROXY_ADDRESSES: "proxy" },
    /^AUTH_PROXY_ADDRESSES has "proxy", which is neither/,
  ],
  [
    "an unknown scope",
    { ...PROXY, AUTH_CLIENT_CERT_SCOPES: "all" },
    /^AUTH_CLIENT_CERT_SCOPES has "all", which is none of/,
  ],
  [
    "a header with another meaning",
    { ...PROXY, AUTH_CLIENT_CERT_HEADER: "Host" },
    /^AUTH_CLIENT_CERT_HEADER cannot be host/,
  ],
  ["a short router secret", { ROUTER_SECRET: "short" }, /^ROUTER_SECRET must have at least 32/],
  [
    "the same mistake in a file",
    { ROUTER_SECRET_FILE: "@short" },
    /^ROUTER_SECRET_FILE must have at least 32/,
  ],
  ["no policy", { POLICY_FILE: "" }, /^POLICY_FILE is not set/],
  ["a missing policy file", { POLICY_FILE: "@nothing" }, /^POLICY_FILE \S+nothing cannot be read \(ENOENT\)/],
  ["a policy with an unknown key", { POLICY_FILE: "@policy.yaml" }, /^POLICY_FILE \S+policy\.yaml.*effect/],
  ["half a TLS pair", { TLS_CERT_FILE: "@cert.pem" }, /^Set both TLS_CERT_FILE and TLS_KEY_FILE/],
  [
    "a TLS key of another certificate",
    { TLS_CERT_FILE: "@cert.pem", TLS_KEY_FILE: "@other-key.pem" },
    /^TLS_CERT_FILE .* not a PEM pair/,
  ],
  [
    "a missing TLS key",
    { TLS_CERT_FILE: "@cert.pem", TLS_KEY_FILE: "@nothing" },
    /^TLS_KEY_FILE \S+ cannot be read/,
  ],
  [
    "a manifest without trusted documents",
    { TRUSTED_DOCUMENTS: "enforce", TRUSTED_DOCUMENTS_FILE: "@documents.json" },
    /^TRUSTED_DOCUMENTS_FILE .* is neither/,
  ],
  ["a console without a client", { CONSOLE: "on" }, /^CONSOLE=on needs AUTH_ISSUER and CONSOLE_CLIENT_ID/],
  [
    "trusted documents without their file",
    { TRUSTED_DOCUMENTS: "audit" },
    /^TRUSTED_DOCUMENTS=audit needs TRUSTED_DOCUMENTS_FILE/,
  ],
  [
    "an address of CAM with a path",
    { CAM_ENDPOINT: "https://cam.example.com/api" },
    /^CAM_ENDPOINT must be an http or https URL of/,
  ],
  ["no address of CAM", { CAM_ENDPOINT: "" }, /^CAM_ENDPOINT is not set, for example/],
  [
    "a proxy without its scheme",
    { HTTPS_PROXY: "proxy.example.com:3128" },
    /^HTTPS_PROXY must be an http or https URL/,
  ],
  ["no key for CAM", NO_PAIR, /^The gateway has no credentials for CAM: set TENCENTCLOUD_SECRET_ID/],
  [
    "half a key pair",
    { TENCENTCLOUD_SECRET_KEY: "" },
    /^Half a key pair: TENCENTCLOUD_SECRET_KEY .* is missing/,
  ],
  ["a key twice", { TENCENTCLOUD_SECRET_KEY_FILE: "@short" }, /^Set only one of TENCENTCLOUD_SECRET_KEY and/],
  [
    "a missing key file",
    { TENCENTCLOUD_SECRET_KEY: "", TENCENTCLOUD_SECRET_KEY_FILE: "@nothing" },
    /^The credential file \S+nothing cannot be read \(ENOENT\)/,
  ],
  [
    "a blank key file",
    { TENCENTCLOUD_SECRET_KEY: "", TENCENTCLOUD_SECRET_KEY_FILE: "@blank" },
    /^Half a key pair: the key is missing or blank/,
  ],
  [
    "a missing profile",
    { ...NO_PAIR, TENCENTCLOUD_PROFILE: "no-such-profile" },
    /^Credentials profile "no-such-profile" cannot be used/,
  ],
  [
    "an incomplete pod identity",
    { ...NO_PAIR, ...TKE },
    /^A part of TKE's web identity is missing: TKE_WEB_IDENTITY_TOKEN_FILE/,
  ],
  [
    "a missing pod token",
    { ...NO_PAIR, ...TKE, TKE_WEB_IDENTITY_TOKEN_FILE: "@nothing" },
    /^The web identity token \S+nothing cannot be read/,
  ],
  [
    "an invalid role",
    { TENCENTCLOUD_ROLE_ARN: "gateway" },
    /^TENCENTCLOUD_ROLE_ARN must be a role, for example/,
  ],
  [
    "a metadata service on another machine",
    { CAM_METADATA_ENDPOINT: "http://10.0.0.1" },
    /^CAM_METADATA_ENDPOINT must be/,
  ],
  ["no database", { DATABASE_URL: "" }, /^DATABASE_URL \(or DATABASE_URL_FILE\) is not set/],
  [
    "another kind of database",
    { DATABASE_URL: "mysql://db/gateway" },
    /^DATABASE_URL must begin with postgres:\/\//,
  ],
  [
    "the same mistake in a file",
    { DATABASE_URL: "", DATABASE_URL_FILE: "@mysql" },
    /^DATABASE_URL must look like postgres:\/\//,
  ],
  [
    "a missing database file",
    { DATABASE_URL: "", DATABASE_URL_FILE: "@nothing" },
    /^The file of DATABASE_URL_FILE, \S+, cannot be read/,
  ],
  [
    "a data folder and a database address",
    { DATA_DIR: "/data" },
    /^DATA_DIR is the folder of the built-in database/,
  ],
  [
    "a signing key of another kind",
    { AUDIT_SIGNING_KEY_FILE: "@rsa.pem", AUDIT_ANCHOR_FILE: "log" },
    /is rsa, and must be ed25519/,
  ],
  [
    "an invalid signing key",
    { AUDIT_SIGNING_KEY_FILE: "@page.html", AUDIT_ANCHOR_FILE: "log" },
    /page\.html holds no unencrypted key in PEM/,
  ],
  [
    "a policy that requires approval without a signing key",
    { POLICY_FILE: "@two-persons.yaml" },
    /^POLICY_FILE \S+two-persons\.yaml: the rule two requires approval, which needs AUDIT_SIGNING_KEY_FILE in server mode/,
  ],
  [
    "a signing key without an anchor setting",
    { AUDIT_SIGNING_KEY_FILE: "@ed25519.pem" },
    /^AUDIT_SIGNING_KEY_FILE needs AUDIT_ANCHOR_FILE/,
  ],
  [
    "an anchor without a signing key",
    { AUDIT_ANCHOR_FILE: "@anchor.json" },
    /^AUDIT_ANCHOR_FILE is set without AUDIT_SIGNING_KEY_FILE/,
  ],
  [
    "a previous key without a signing key",
    { AUDIT_PREVIOUS_KEY_FILE: "@ed25519.pem" },
    /^AUDIT_PREVIOUS_KEY_FILE is set without AUDIT_SIGNING_KEY_FILE/,
  ],
  [
    "an anchor in a log whose level omits it",
    { AUDIT_SIGNING_KEY_FILE: "@ed25519.pem", AUDIT_ANCHOR_FILE: "log", LOG_LEVEL: "warn" },
    /^AUDIT_ANCHOR_FILE=log needs LOG_LEVEL info/,
  ],
  [
    "an empty anchor file",
    { AUDIT_SIGNING_KEY_FILE: "@ed25519.pem", AUDIT_ANCHOR_FILE: "@blank" },
    /^The anchor file \S+ is damaged/,
  ],
  [
    "an anchor file with other content",
    { AUDIT_SIGNING_KEY_FILE: "@ed25519.pem", AUDIT_ANCHOR_FILE: "@documents.json" },
    /^The anchor file \S+ is damaged/,
  ],
  [
    "an anchor file in a missing folder",
    { AUDIT_SIGNING_KEY_FILE: "@ed25519.pem", AUDIT_ANCHOR_FILE: "@nothing/anchor.json" },
    /^The anchor file \S+ cannot be written \(ENOENT\)/,
  ],
  [
    "a previous key of another kind",
    {
      AUDIT_SIGNING_KEY_FILE: "@ed25519.pem",
      AUDIT_PREVIOUS_KEY_FILE: "@rsa.pem",
      AUDIT_ANCHOR_FILE: "@anchor.json",
    },
    /is rsa, and must be ed25519/,
  ],
  [
    "a missing accounts file",
    { CAM_ACCOUNTS: "@nothing" },
    /^CAM_ACCOUNTS \S+nothing cannot be read \(ENOENT\)/,
  ],
];

let explained = 0;

test.each(MISTAKES)("--check-config explains %s", async (_mistake, change, said) => {
  const problems = await problemsOf(change, "server");
  expect(problems).toEqual([expect.stringMatching(said)]);
  expect(problems.join()).not.toContain(SECRET);
  explained += 1;
});

afterAll(() =>
  keepFigure(`Mistakes in a configuration that --check-config explains: ${explained} of ${MISTAKES.length}`),
);

test("a valid configuration has no problems", async () => {
  const all = {
    TLS_CERT_FILE: "@cert.pem",
    TLS_KEY_FILE: "@key.pem",
    TENCENTCLOUD_SECRET_ID: "",
    TENCENTCLOUD_SECRET_ID_FILE: "@id",
    AUDIT_SIGNING_KEY_FILE: "@ed25519.pem",
    AUDIT_ANCHOR_FILE: "@anchor.json",
  };
  expect(await problemsOf(all, "server")).toEqual([]);
  expect(await problemsOf({ ...all, HOST: "127.0.0.1" }, "local")).toEqual([]);
  expect(await problemsOf({ ...all, POLICY_FILE: "@two-persons.yaml" }, "server")).toEqual([]);
  const local = { POLICY_FILE: "@two-persons.yaml", HOST: "127.0.0.1" };
  expect(await problemsOf(local, "local")).toEqual([]);
});

test("mistakes in several files are reported in one run, and no message quotes a file", async () => {
  const problems = await problemsOf(
    {
      POLICY_FILE: "@nothing",
      CAM_ACCOUNTS: "@accounts.yaml",
      AUDIT_SIGNING_KEY_FILE: "@page.html",
      TLS_CERT_FILE: "@page.html",
      TLS_KEY_FILE: "@key.pem",
    },
    "server",
  );
  for (const file of ["POLICY_FILE", "CAM_ACCOUNTS", join(folder, "page.html"), "TLS_CERT_FILE"]) {
    expect(problems).toContainEqual(expect.stringContaining(file));
  }
  expect(problems.join()).not.toContain(SECRET);
});

test("mistakes in files are reported with those in variables", async () => {
  const problems = await problemsOf(
    { DATABASE_URL: "", CAM_ENDPOINT: "", PORT: "http", POLICY_FILE: "@policy.yaml", AUTH_AUDIENCE: "" },
    "server",
  );
  expect(problems).toEqual([
    expect.stringMatching(/^PORT must be/),
    expect.stringMatching(/^AUTH_AUDIENCE is not set/),
    expect.stringMatching(/^CAM_ENDPOINT is not set/),
    expect.stringMatching(/^DATABASE_URL .* is not set/),
    expect.stringMatching(/^POLICY_FILE \S+policy\.yaml: rule a: effect/),
  ]);
});
