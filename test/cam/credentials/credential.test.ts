import { expect, test } from "vitest";
import {
  type Credential,
  CredentialError,
  type CredentialProvider,
  createProviderChain,
  createStaticProvider,
} from "../../../src/cam/index.ts";
import { Secret } from "../../../src/secret.ts";

function credential(secretId: string): Credential {
  return { secretId, secretKey: new Secret("s3cr3t") };
}

const none: CredentialProvider = { name: "none", load: async () => undefined };
const broken: CredentialProvider = {
  name: "broken",
  load: () => Promise.reject(new CredentialError("Half a key pair.")),
};

test("a static provider returns its credential", async () => {
  const given = credential("AKIDSTATIC");
  await expect(createStaticProvider(given).load()).resolves.toBe(given);
});

test("a chain returns the credential of its first provider that has one, and skips the later providers", async () => {
  const chain = createProviderChain([none, createStaticProvider(credential("AKIDFIRST")), broken]);
  await expect(chain.load()).resolves.toMatchObject({ secretId: "AKIDFIRST" });
  expect(chain.name).toBe("none, static, broken");
});

test("a broken provider ends the search", async () => {
  const chain = createProviderChain([none, broken, createStaticProvider(credential("AKIDOTHER"))]);
  await expect(chain.load()).rejects.toThrow("Half a key pair.");
});

test.each([
  { providers: [none, none], looked: "none, none" },
  { providers: [], looked: "none configured" },
])(
  "the error of a chain without a credential lists its providers: $looked",
  async ({ providers, looked }) => {
    await expect(createProviderChain(providers).load()).rejects.toThrow(
      new CredentialError(`No credential for CAM was found; looked in: ${looked}.`),
    );
  },
);
