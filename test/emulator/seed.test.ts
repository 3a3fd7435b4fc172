import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { InputProblems, loadSeedFile, parseSeed, startCamEmulator } from "../../src/emulator/index.ts";
import { DEFAULT_SEED_FILE } from "../../src/emulator/seed.ts";
import { startEmulator } from "./start-emulator.ts";

function seedFile(text: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "cam-emulator-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "seed.json");
  writeFileSync(file, text);
  return file;
}

test("the default seed has the documented users", () => {
  const { users, keys } = loadSeedFile();
  const cast = Object.fromEntries(users.map(({ uin, name }) => [name, uin]));
  expect(cast).toEqual({
    "mfa-gateway": "100021969090",
    alice: "100021969091",
    bob: "100021969092",
    carol: "100021969093",
    dave: "100021969094",
    erin: "100021969095",
    frank: "100021969096",
    grace: "100021969097",
    heidi: "100021969098",
    max: "18446744073709551615",
  });
  expect(keys[0]).toMatchObject({ secretId: "AKIDLOCALEXAMPLE", secretKey: "LocalExampleSecretKey" });
});

test("the emulator starts with another seed, from a file or from an object", async () => {
  const seed = {
    account: { ownerUin: "1", uinRanges: [{ from: "1", to: "9" }] },
    keys: [{ secretId: "AKIDX", secretKey: "x", uin: "2" }],
    users: [{ uin: "2", name: "two" }],
  };
  const fromFile = await startEmulator({ seedFile: seedFile(JSON.stringify(seed)) });
  const fromObject = await startEmulator({ seed: parseSeed(seed) });
  expect(fromFile.control.users()).toEqual(fromObject.control.users());
  expect(fromFile.control.users()).toMatchObject([{ uin: "2", phone: null, lastLoginTime: null }]);
});

test.each([
  ["is not JSON", "{", /is not JSON/],
  [
    "has a number for a Uin",
    '{"account":{"ownerUin":1,"uinRanges":[]},"keys":[],"users":[]}',
    /account\.ownerUin: .*string/,
  ],
  ["has no keys", '{"account":{"ownerUin":"1","uinRanges":[]},"keys":[],"users":[]}', /keys: /],
  ["has an unknown member", '{"accounts":{}}', /"?accounts"?/],
])("the error about a seed file that %s names the file", async (_what, text, problem) => {
  const file = seedFile(text);
  const failure = await startCamEmulator({ seedFile: file }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InputProblems);
  expect((failure as InputProblems).message).toContain(file);
  expect((failure as InputProblems).message).toMatch(problem);
});

test.each([
  ["GBK", Buffer.from([0x22, 0xd5, 0xc5, 0xc8, 0xfd, 0x22])],
  ["UTF-16", Buffer.from("\uFEFF{}", "utf16le")],
])("the error about a seed file in %s names the file", (_encoding, bytes) => {
  expect(() => loadSeedFile(seedFile(bytes))).toThrow(
    /The seed file \S+ is not UTF-8:\n {2}- Save it as UTF-8/,
  );
});

test("a byte order mark before a seed is ignored", () => {
  const text = readFileSync(DEFAULT_SEED_FILE, "utf8");
  expect(loadSeedFile(seedFile(`\uFEFF${text}`))).toEqual(loadSeedFile());
});

test("the error about a missing seed file names the file", async () => {
  await expect(startCamEmulator({ seedFile: "/nowhere/seed.json" })).rejects.toThrow(
    /The seed file \/nowhere\/seed\.json cannot be read/,
  );
});

test("the error names each repeated user, name and key", () => {
  const twice = <T>(value: T) => [value, value];
  const seed = {
    account: { ownerUin: "1", uinRanges: [{ from: "1", to: "9" }] },
    keys: twice({ secretId: "AKIDX", secretKey: "x", uin: "2" }),
    users: twice({ uin: "2", name: "two" }),
  };
  const attempt = () => parseSeed(seed);
  expect(attempt).toThrow(/users\.1\.uin: "2" occurs twice/);
  expect(attempt).toThrow(/users\.1\.name: "two" occurs twice/);
  expect(attempt).toThrow(/keys\.1\.secretId: "AKIDX" occurs twice/);
});
