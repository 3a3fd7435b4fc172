import { expect, test } from "vitest";
import { createEnvironmentProvider } from "../../../src/cam/index.ts";
import { Secret } from "../../../src/secret.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { failureOf, reveal } from "./reveal.ts";

const value = (text: string) => ({ value: new Secret(text) });
const PAIR = { secretId: "AKIDTEST", secretKey: "s3cr3t" };

test.each([
  { what: "a pair", sources: { secretId: value("AKIDTEST"), secretKey: value("s3cr3t") }, expected: PAIR },
  {
    what: "a pair with copied spaces and line ends",
    sources: { secretId: value(" AKIDTEST\t"), secretKey: value("s3cr3t\r\n") },
    expected: PAIR,
  },
  {
    what: "a pair with a token",
    sources: { secretId: value("AKIDTEST"), secretKey: value("s3cr3t"), token: value("t0k3n\n") },
    expected: { ...PAIR, token: "t0k3n" },
  },
  {
    what: "a pair with a blank token",
    sources: { secretId: value("AKIDTEST"), secretKey: value("s3cr3t"), token: value(" ") },
    expected: PAIR,
  },
  { what: "nothing", sources: {}, expected: undefined },
  { what: "blanks", sources: { secretId: value(" "), secretKey: value("\n") }, expected: undefined },
  { what: "a token alone", sources: { token: value("t0k3n") }, expected: undefined },
])("$what by value", async ({ sources, expected }) => {
  expect(reveal(await createEnvironmentProvider(sources).load())).toEqual(expected);
});

test("a key from a file loses its trailing line end and is read again at every load", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("secret-key", "first\n");
  const provider = createEnvironmentProvider({ secretId: value("AKIDTEST"), secretKey: { file } });
  expect(reveal(await provider.load())).toEqual({ secretId: "AKIDTEST", secretKey: "first" });
  await folder.write("secret-key", "second\r\n");
  expect(reveal(await provider.load())).toEqual({ secretId: "AKIDTEST", secretKey: "second" });
});

test.each([
  { what: "only an id", lacks: "key", sources: { secretId: value("AKIDTEST") } },
  { what: "only a key", lacks: "id", sources: { secretKey: value("s3cr3t") } },
  { what: "a blank key", lacks: "key", sources: { secretId: value("AKIDTEST"), secretKey: value(" ") } },
  {
    what: "an id and a token",
    lacks: "key",
    sources: { secretId: value("AKIDTEST"), token: value("t0k3n") },
  },
])("$what is an error that names the missing half and contains no secret", async ({ sources, lacks }) => {
  const error = await failureOf(createEnvironmentProvider(sources).load(), "s3cr3t", "t0k3n");
  expect(error).toMatchObject({
    name: "CredentialError",
    message: `Half a key pair: the ${lacks} is missing or blank.`,
  });
});

test("the error of an unreadable file names the file and the reason", async () => {
  const folder = await temporaryFolder();
  const load = (file: string) =>
    createEnvironmentProvider({ secretId: value("AKIDTEST"), secretKey: { file } }).load();
  const missing = folder.at("missing");
  expect((await failureOf(load(missing))).message).toBe(
    `The credential file ${missing} cannot be read (ENOENT).`,
  );
  expect((await failureOf(load(folder.path))).message).toContain("(EISDIR)");
});
