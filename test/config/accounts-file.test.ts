import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { AccountsSettings } from "../../src/config/accounts-file.ts";
import { type AccountSettings, parseAccountsFile } from "../../src/config/accounts-file.ts";
import { Secret } from "../../src/secret.ts";

const ARN = "qcs::cam::uin/200000000001:roleName/mfa-gateway";
const ENDPOINT = "https://cam.tencentcloudapi.com";
const PROXY = new Secret("http://proxy:3128");
const KEY = { secretId: "AKIDPARTNER", secretKey: { file: "/run/secrets/key" } };

function parse(text: string, more: Partial<AccountsSettings> = {}) {
  const problems: string[] = [];
  const target: AccountsSettings = {
    file: "accounts.yaml",
    mode: "server",
    ratePerSecond: 20,
    language: "en-US",
    metadataOrigin: "http://metadata.tencentyun.com",
    proxy: { https: PROXY },
    variable: (name) => (name === "PARTNER_KEY" ? new Secret("the-secret-itself") : undefined),
    ...more,
  };
  return { accounts: parseAccountsFile(text, target, problems), problems };
}

function accountOf(entry: unknown): AccountSettings {
  const { accounts, problems } = parse(JSON.stringify({ accounts: { partner: entry } }));
  expect(problems).toEqual([]);
  const [account] = accounts;
  if (account === undefined) throw new Error("There is no account.");
  return account;
}

function problemsOf(entry: unknown, more?: Partial<AccountsSettings>): readonly string[] {
  return parse(JSON.stringify({ accounts: { partner: entry } }), more).problems;
}

describe("an account", () => {
  test("uses the variables as defaults", () => {
    expect(accountOf({ endpoint: ENDPOINT, credentials: KEY })).toMatchObject({
      name: "partner",
      ratePerSecond: 20,
      language: "en-US",
      cam: {
        endpoint: { origin: ENDPOINT, serviceHost: "cam.tencentcloudapi.com" },
        proxy: { https: PROXY },
        usesDefaultKey: false,
      },
    });
  });

  test("has its own rate, language and name in the Host header", () => {
    const entry = { endpoint: "http://10.0.0.8:8080", serviceHost: "cam.intl.tencentcloudapi.com" };
    expect(accountOf({ ...entry, credentials: KEY, ratePerSecond: 5, language: "zh-CN" })).toMatchObject({
      ratePerSecond: 5,
      language: "zh-CN",
      cam: { endpoint: { origin: "http://10.0.0.8:8080", serviceHost: "cam.intl.tencentcloudapi.com" } },
    });
  });

  test.each([
    [
      KEY,
      { environment: { secretId: { value: expect.any(Secret) }, secretKey: { file: "/run/secrets/key" } } },
    ],
    [
      { secretId: { file: "/id" }, secretKey: { variable: "PARTNER_KEY" }, token: { file: "/token" } },
      {
        environment: {
          secretId: { file: "/id" },
          secretKey: { value: expect.any(Secret) },
          token: { file: "/token" },
        },
      },
    ],
    [{ profile: "partner" }, { profile: { name: "partner", required: true } }],
    [{ instanceRole: "r" }, { metadata: { origin: "http://metadata.tencentyun.com", roleName: "r" } }],
    [
      {
        webIdentity: { region: "ap-singapore", providerId: "p", tokenFile: "/token", roleArn: ARN },
      },
      { webIdentity: { tokenFile: "/token", roleArn: ARN, sessionName: "cam-mfa-gateway" } },
    ],
    [
      { ...KEY, assumeRole: { roleArn: ARN, externalId: "word", durationSeconds: 900 } },
      {
        environment: { secretKey: { file: "/run/secrets/key" } },
        role: { roleArn: ARN, externalId: "word", durationSeconds: 900, region: "ap-guangzhou" },
      },
    ],
  ])("has its key from %o", (credentials, settings) => {
    const { cam } = accountOf({ endpoint: ENDPOINT, credentials });
    expect(cam).toMatchObject({ credentials: settings, usesDefaultKey: false });
  });

  test("with only a role assumes it with the key of the default account", () => {
    const { cam } = accountOf({ endpoint: ENDPOINT, credentials: { assumeRole: { roleArn: ARN } } });
    expect(cam).toMatchObject({
      usesDefaultKey: true,
      credentials: { environment: {}, role: { roleArn: ARN } },
    });
  });

  test("prints no secret", () => {
    const credentials = { ...KEY, secretKey: { variable: "PARTNER_KEY" } };
    const account = accountOf({ endpoint: ENDPOINT, credentials });
    expect(inspect(account, { depth: null })).not.toContain("the-secret-itself");
    expect(JSON.stringify(account)).not.toContain("the-secret-itself");
  });
});

test("the file may be YAML with anchors for shared parts", () => {
  const text = `
accounts:
  one:
    endpoint: &endpoint ${ENDPOINT}
    credentials: { profile: one }
    ratePerSecond: 10
  two:
    endpoint: *endpoint
    credentials: { profile: two }
`;
  expect(parse(text)).toMatchObject({
    problems: [],
    accounts: [
      { name: "one", ratePerSecond: 10 },
      { name: "two", ratePerSecond: 20, cam: { endpoint: { origin: ENDPOINT } } },
    ],
  });
});

describe("in local mode", () => {
  const local = { mode: "local" } as const;

  test("an account without settings gets its own emulator", () => {
    const { accounts, problems } = parse('{"accounts": {"partner": {"ratePerSecond": 5}}}', local);
    expect(problems).toEqual([]);
    const settings = expect.stringMatching(/^[0-9a-f]{64}$/);
    const partner = { name: "partner", cam: undefined, ratePerSecond: 5, language: "en-US", settings };
    expect(accounts).toEqual([partner]);
    const [other] = parse('{"accounts": {"partner": {"ratePerSecond": 6}}}', local).accounts;
    expect(other?.settings).not.toBe(accounts[0]?.settings);
  });

  test("a key for an account with an emulator is a mistake", () => {
    expect(problemsOf({ credentials: KEY, serviceHost: "cam.example" }, local)).toEqual([
      "CAM_ACCOUNTS: accounts.partner.serviceHost has no meaning without endpoint.",
      "CAM_ACCOUNTS: accounts.partner.credentials has no meaning without endpoint.",
    ]);
  });
});

describe("a mistake is explained:", () => {
  const credentials = (value: object) => ({ endpoint: ENDPOINT, credentials: value });
  test.each<[string, unknown, string]>([
    ["no endpoint", { credentials: KEY }, "accounts.partner has no endpoint"],
    ["no credentials", { endpoint: ENDPOINT }, "accounts.partner has no credentials"],
    [
      "an endpoint with a path",
      { endpoint: `${ENDPOINT}/v1`, credentials: KEY },
      "endpoint must be an http or https URL",
    ],
    [
      "an invalid rate",
      { endpoint: ENDPOINT, credentials: KEY, ratePerSecond: 0 },
      "accounts.partner.ratePerSecond",
    ],
    ["a misspelt setting", { endpoint: ENDPOINT, credentials: KEY, rate: 5 }, 'Unrecognized key: "rate"'],
    [
      "another language",
      { endpoint: ENDPOINT, credentials: KEY, language: "fr" },
      "must be one of en-US, zh-CN",
    ],
    [
      "a secret in the file",
      credentials({ secretId: "AKID", secretKey: "the-secret-itself" }),
      'secretKey must be {"file": PATH} or {"variable": NAME}, which name its place: this file must not hold a secret',
    ],
    [
      "half a key pair",
      credentials({ secretId: "AKID" }),
      "has half a key pair: secretId and secretKey belong together",
    ],
    [
      "the other half of a key pair",
      credentials({ secretKey: { file: "/key" } }),
      "has half a key pair: secretId and secretKey belong together",
    ],
    [
      "a variable that is not set",
      credentials({ secretId: "AKID", secretKey: { variable: "NOWHERE" } }),
      "secretKey.variable names NOWHERE, which is not set",
    ],
    ["a token alone", credentials({ profile: "p", token: { file: "/t" } }), "has a token without the key"],
    [
      "two places for the key",
      credentials({ ...KEY, profile: "p" }),
      "names more than one place for the key: secretId, profile",
    ],
    ["no place for the key", credentials({}), "names no place for the key"],
    ["an invalid role", credentials({ assumeRole: { roleArn: "role" } }), "roleArn must be a role"],
    ["an instance role with a slash", credentials({ instanceRole: "../x" }), "instanceRole must be letters"],
    [
      "an incomplete web identity",
      credentials({ webIdentity: { region: "ap-singapore", roleArn: ARN } }),
      "webIdentity.providerId",
    ],
  ])("%s", (_case, entry, problem) => {
    const problems = problemsOf(entry);
    expect(problems.join("\n")).toContain(problem);
    expect(problems.join("\n")).not.toContain("the-secret-itself");
    for (const each of problems) expect(each).toMatch(/^CAM_ACCOUNTS: accounts\.partner.*[^.]\.$/s);
  });

  test.each(["Partner", "a_b", "", "a".repeat(41), "пример"])("the name %j", (name) => {
    const { problems } = parse(
      JSON.stringify({ accounts: { [name]: { endpoint: ENDPOINT, credentials: KEY } } }),
    );
    expect(problems).toEqual([
      `CAM_ACCOUNTS: accounts.${name} is not a valid account name: 1 to 40 small letters, digits and dashes.`,
    ]);
  });

  test("the name of the default account", () => {
    const { problems } = parse(
      JSON.stringify({ accounts: { default: { endpoint: ENDPOINT, credentials: KEY } } }),
    );
    expect(problems).toEqual([
      "CAM_ACCOUNTS: accounts.default is the account of the CAM_* and TENCENTCLOUD_* variables, and cannot be another.",
    ]);
  });

  test.each([
    ["nothing", "{}", "accounts"],
    ["no account", '{"accounts": {}}', "accounts names no account"],
    ["a name twice", '{"accounts": {"a": {}, "a": {}}}', "line 1"],
    ["text that is not YAML", "accounts:\n  a: [", "cannot be read as JSON or YAML (line 2"],
    ["a list", "[]", "CAM_ACCOUNTS:"],
  ])("a file with %s", (_case, text, problem) => {
    expect(parse(text).problems.join("\n")).toContain(problem);
  });

  test("aliases that expand too far are refused", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 9; level++) {
      const before = String.fromCharCode(96 + level);
      bomb.push(
        `${String.fromCharCode(97 + level)}: &${String.fromCharCode(97 + level)} [${Array(10).fill(`*${before}`)}]`,
      );
    }
    expect(parse(bomb.join("\n")).problems).toHaveLength(1);
  });

  test("all mistakes are reported in one run, including several of one account", () => {
    const { problems } = parse(
      JSON.stringify({
        accounts: {
          one: { endpoint: "x", credentials: { ...KEY, profile: "p", token: "text" }, rate: 1 },
          Two: { endpoint: ENDPOINT },
          three: {
            endpoint: ENDPOINT,
            credentials: { secretId: "AKID", secretKey: { variable: "NOWHERE" } },
          },
        },
      }),
    );
    expect(problems.map((problem) => problem.replace(/^CAM_ACCOUNTS: accounts\./, "").slice(0, 45))).toEqual([
      "one.endpoint must be an http or https URL of ",
      'one.credentials.token must be {"file": PATH} ',
      "one.credentials names more than one place for",
      'one Unrecognized key: "rate".',
      "Two is not a valid account name: 1 to 40 smal",
      "Two has no credentials.",
      "three.credentials.secretKey.variable names NO",
    ]);
  });
});
