import { expect, test } from "vitest";
import { createProfileProvider } from "../../../src/cam/index.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { failureOf, reveal } from "./reveal.ts";

const FILE = `
; made by the official tools
[default]
secret_id = AKIDDEFAULT
secret_key = s3cr3t-default

# temporary
[ops]
secret_id=AKIDOPS
secret_key  =   s3cr3t-ops==
token = t0k3n/+=
region = ap-guangzhou

[prod.cn]
secret_id = AKIDPROD
secret_key = s3cr3t-prod

[half]
secret_id = AKIDHALF

[empty]
`;

async function load(text: string, profile: string, required = false) {
  const folder = await temporaryFolder();
  const file = await folder.write("credentials", text);
  return createProfileProvider({ profile, paths: [file], required }).load();
}

test.each([
  ["default", FILE, { secretId: "AKIDDEFAULT", secretKey: "s3cr3t-default" }],
  ["ops", FILE, { secretId: "AKIDOPS", secretKey: "s3cr3t-ops==", token: "t0k3n/+=" }],
  ["prod.cn", FILE, { secretId: "AKIDPROD", secretKey: "s3cr3t-prod" }],
  ["default", FILE.replaceAll("\n", "\r\n"), { secretId: "AKIDDEFAULT", secretKey: "s3cr3t-default" }],
  ["default", `\uFEFF${FILE.trimStart()}`, { secretId: "AKIDDEFAULT", secretKey: "s3cr3t-default" }],
  [
    "default",
    "[default]\nsecret_id = AKIDTEST\nsecret_key = 12345",
    { secretId: "AKIDTEST", secretKey: "12345" },
  ],
])("the profile %s is read", async (profile, text, expected) => {
  expect(reveal(await load(text, profile))).toEqual(expected);
});

test.each([
  ["missing", FILE],
  ["prod.com", FILE],
  ["default", ""],
  ["default", "secret_id = AKIDTEST\nsecret_key = s3cr3t"],
  ["__proto__", FILE],
  ["constructor", FILE],
  ["secret_id", "secret_id = AKIDTEST"],
])("a missing profile %s is undefined, and an error if it is required", async (profile, text) => {
  await expect(load(text, profile)).resolves.toBeUndefined();
  const error = await failureOf(load(text, profile, true), "s3cr3t", "t0k3n");
  expect(error.message).toMatch(/^Credentials profile ".*" cannot be used: not in \/.*\/credentials\.$/);
});

test.each([
  ["half", FILE],
  ["empty", FILE],
  ["default", "[default]\nsecret_id = AKIDTEST\nsecret_key ="],
  ["default", "[default]\nsecret_id\nsecret_key = s3cr3t"],
])("the profile %s is an error if half of its pair is missing", async (profile, text) => {
  const error = await failureOf(load(text, profile), "s3cr3t", "t0k3n");
  expect(error).toMatchObject({ name: "CredentialError" });
  expect(error.message).toContain("needs secret_id and secret_key");
});

test("the first existing file is used, even if only the second has the profile", async () => {
  const folder = await temporaryFolder();
  const home = await folder.write("home", "[default]\nsecret_id = AKIDHOME\nsecret_key = k");
  const system = await folder.write("system", "[default]\nsecret_id = AKIDSYSTEM\nsecret_key = k\n[ops]");
  const provider = (profile: string, ...paths: string[]) =>
    createProfileProvider({ profile, paths, required: false });
  await expect(provider("default", home, system).load()).resolves.toMatchObject({ secretId: "AKIDHOME" });
  await expect(provider("default", folder.at("none"), system).load()).resolves.toMatchObject({
    secretId: "AKIDSYSTEM",
  });
  await expect(provider("default", `${home}/below-a-file`, system).load()).resolves.toMatchObject({
    secretId: "AKIDSYSTEM",
  });
  await expect(provider("ops", home, system).load()).resolves.toBeUndefined();
});

test("a missing file is an error only for a required profile", async () => {
  const folder = await temporaryFolder();
  const paths = [folder.at("one"), folder.at("two")];
  const load = (required: boolean) => createProfileProvider({ profile: "default", paths, required }).load();
  await expect(load(false)).resolves.toBeUndefined();
  expect((await failureOf(load(true))).message).toBe(
    `Credentials profile "default" cannot be used: no such file: ${paths.join(", ")}.`,
  );
});

test("a byte order mark is ignored, and a file in another encoding is refused", async () => {
  const folder = await temporaryFolder();
  const text = "[default]\nsecret_id = AKIDEXAMPLE\nsecret_key = ProfileKeyInAnEncoding\n";
  const load = async (bytes: Uint8Array) =>
    createProfileProvider({
      profile: "default",
      paths: [await folder.write("credentials", bytes)],
      required: true,
    }).load();
  expect(await load(Buffer.from(`\uFEFF${text}`))).toMatchObject({ secretId: "AKIDEXAMPLE" });
  await expect(load(Buffer.from(text, "utf16le"))).rejects.toThrow(/is UTF-16; save it as UTF-8/);
  await expect(load(Buffer.concat([Buffer.from(text), Buffer.from([0xd5, 0xc5])]))).rejects.toThrow(
    /is not UTF-8 \(line 4\)/,
  );
});

test("an existing but unreadable file is an error, even if the next file is valid", async () => {
  const folder = await temporaryFolder();
  const next = await folder.write("next", FILE);
  const provider = createProfileProvider({ profile: "default", paths: [folder.path, next], required: false });
  const error = await failureOf(provider.load(), "s3cr3t");
  expect(error.message).toBe(`The credentials file ${folder.path} cannot be read (EISDIR).`);
});
