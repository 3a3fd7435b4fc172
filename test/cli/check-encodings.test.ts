import { generateKeyPairSync } from "node:crypto";
import { generate } from "selfsigned";
import { beforeAll, describe, expect, test } from "vitest";
import { checkFiles } from "../../src/cli/check-files.ts";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import { SOME_ISSUER, SOME_POLICY } from "../support/server-env.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const GOOD = {
  CAM_ENDPOINT: "https://cam.tencentcloudapi.com",
  TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE",
  TENCENTCLOUD_SECRET_KEY: "EncodingSecretKey0123456789",
  DATABASE_URL: "postgres://gateway:password@db:5432/gateway",
  ...SOME_ISSUER,
  ...SOME_POLICY,
};
const NO_PAIR = { TENCENTCLOUD_SECRET_ID: "", TENCENTCLOUD_SECRET_KEY: "" };
const ROLE = "qcs::cam::uin/100000000001:roleName/gateway";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const jwk = { ...rsa.publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" };
const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });

/** Every file that a configuration can name: its variable, a valid text, and the other variables that it needs. */
const FILES: readonly (readonly [
  variable: string,
  text: string | ((pair: { cert: string; key: string }) => string),
  others?: Readonly<Record<string, string>>,
])[] = [
  ["POLICY_FILE", "rules:\n  - id: a\n    effect: deny\n"],
  ["POLICY_FILE", '{"rules": [{"id": "a", "effect": "deny"}]}'],
  [
    "AUTH_ISSUERS_FILE",
    '{"issuers":[{"issuer":"https://a.example","audience":"gateway"}]}',
    { AUTH_ISSUER: "", AUTH_JWKS_URL: "", AUTH_AUDIENCE: "" },
  ],
  ["AUTH_JWKS_FILE", JSON.stringify({ keys: [jwk] }), { AUTH_JWKS_URL: "" }],
  ["ROUTER_SECRET_FILE", "a secret that only the router knows\n"],
  ["TLS_CERT_FILE", ({ cert }) => cert, { TLS_KEY_FILE: "@key.pem" }],
  ["TLS_KEY_FILE", ({ key }) => key, { TLS_CERT_FILE: "@cert.pem" }],
  ["TRUSTED_DOCUMENTS_FILE", '{"a": "{ __typename }"}', { TRUSTED_DOCUMENTS: "enforce" }],
  ["TENCENTCLOUD_SECRET_KEY_FILE", "EncodingSecretKey0123456789\n", { TENCENTCLOUD_SECRET_KEY: "" }],
  [
    "TKE_WEB_IDENTITY_TOKEN_FILE",
    "a.b.c\n",
    { ...NO_PAIR, TKE_REGION: "ap-guangzhou", TKE_PROVIDER_ID: "cls-1", TKE_ROLE_ARN: ROLE },
  ],
  ["DATABASE_URL_FILE", GOOD.DATABASE_URL, { DATABASE_URL: "" }],
  ["AUDIT_SIGNING_KEY_FILE", String(ed25519), { AUDIT_ANCHOR_FILE: "log" }],
  [
    "AUTH_CLIENT_CERT_SUBJECTS_FILE",
    '{"certificates":[{"certificate":"CN=张三","subject":"zhangsan"}]}',
    {
      AUTH_CLIENT_CERT_HEADER: "x-cert",
      AUTH_CLIENT_CERT_SCOPES: "cam.mfa:read",
      AUTH_PROXY_ADDRESSES: "10.0.0.1",
    },
  ],
  ["CAM_ACCOUNTS", "accounts: {}\n"],
];

let pair: { cert: string; key: string };

beforeAll(async () => {
  const { cert, private: key } = await generate([{ name: "commonName", value: "gateway" }]);
  pair = { cert, key };
});

async function problemsWith(
  [variable, text, others]: (typeof FILES)[number],
  encode: (text: string) => Uint8Array,
): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  await folder.write("cert.pem", pair.cert);
  await folder.write("key.pem", pair.key);
  const file = await folder.write("file", encode(typeof text === "string" ? text : text(pair)));
  const env = { ...GOOD, ...others, [variable]: file };
  const set = Object.entries(env).map(([name, value]) => [name, value.replace("@", `${folder.path}/`)]);
  try {
    await checkFiles(loadConfig(Object.fromEntries(set), "server"));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((text) => text.replace(file, "FILE"));
    throw error;
  }
}

/** Appends a comment, or similar text, in an encoding other than UTF-8. */
const append = (bytes: readonly number[]) => (text: string) =>
  Buffer.concat([Buffer.from(text), Buffer.from("\n# "), Buffer.from(bytes)]);

describe.each(FILES.map((file) => ({ file, variable: file[0] })))("the file of $variable", ({ file }) => {
  test("may begin with a byte order mark", async () => {
    const problems = await problemsWith(file, (text) => Buffer.from(`\uFEFF${text}`));
    expect(problems).toEqual(await problemsWith(file, (text) => Buffer.from(text)));
    expect(problems.join()).not.toContain("UTF-8");
  });

  test.each<[encoding: string, encode: (text: string) => Uint8Array, said: RegExp]>([
    ["GBK", append([0xd5, 0xc5, 0xc8, 0xfd]), /FILE,? is not UTF-8 \(line \d+\); save it as UTF-8\.$/],
    ["GBK that resembles UTF-8", append([0xc1, 0xaa, 0xcd, 0xa8]), /is not UTF-8/],
    ["Latin-1", append([0x4a, 0x6f, 0x73, 0xe9]), /is not UTF-8/],
    ["UTF-8 with a cut character", append([0xe5, 0xbc]), /is not UTF-8/],
    ["UTF-8 with half a surrogate pair", append([0xed, 0xa0, 0x80]), /is not UTF-8/],
    ["UTF-16", (text) => Buffer.from(`\uFEFF${text}`, "utf16le"), /FILE,? is UTF-16; save it as UTF-8\.$/],
    [
      "UTF-16 in the other byte order",
      (text) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16(),
      /is UTF-16/,
    ],
    ["UTF-16 without a mark", (text) => Buffer.from(text, "utf16le"), /is UTF-16/],
  ])("is refused in %s", async (_encoding, encode, said) => {
    const problems = await problemsWith(file, encode);
    expect(problems).toEqual([expect.stringMatching(said)]);
    expect(problems[0]).toContain("FILE");
  });
});

test("the message names the line that is not UTF-8", async () => {
  const policy = "rules:\n  - id: a\n    effect: deny\n    users: { names: [";
  const problems = await problemsWith(["POLICY_FILE", policy], (text) =>
    Buffer.concat([Buffer.from(text), Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]), Buffer.from("] }\n")]),
  );
  expect(problems).toEqual(["POLICY_FILE FILE is not UTF-8 (line 4); save it as UTF-8."]);
});

test("a policy whose letters an earlier conversion has lost is refused", async () => {
  const policy = "rules:\n  - id: a\n    effect: deny\n    users: { names: ['\uFFFD\uFFFD'] }\n";
  expect(await problemsWith(["POLICY_FILE", policy], (text) => Buffer.from(text))).toEqual([
    "POLICY_FILE FILE: line 4 has U+FFFD, the mark of letters that a conversion has lost.",
  ]);
});

test("the message quotes no content of a file in another encoding", async () => {
  const secret = "EncodingSecretKey0123456789";
  for (const file of FILES) {
    const problems = await problemsWith(file, append([0xff]));
    expect(problems.join()).not.toContain(secret);
    expect(problems.join()).not.toContain("PRIVATE KEY");
  }
});
