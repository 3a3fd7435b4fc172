import { expect, test } from "vitest";
import { describeSafeAuthFlagColl, setMfaFlag } from "../../../src/cam/index.ts";
import type { Uin } from "../../../src/contract/index.ts";
import { createEmulatedCam, within } from "../../support/create-cam.ts";
import { keepFigure } from "../../support/leaks/written.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { failureOf } from "./reveal.ts";
import { OWN_PAIR, ROLE } from "./role-keys.ts";

const OPEN = { ratePerSecond: 100_000 };
const ALICE = "100021969091" as Uin;
const READ = { subUin: ALICE };
const OWNER = "100021969090";
const WRITE = { opUin: ALICE, login: { phone: true, stoken: false, wechat: false } };

const outcomesOf = (journal: readonly { readonly outcome: string | null }[]) =>
  new Set(journal.map(({ outcome }) => outcome));

/** Starts a gateway that assumes its role with a key pair from a file, and loads the role's first key. */
async function startWithRole() {
  const folder = await temporaryFolder();
  const pair = (id: string) => `[default]\nsecret_id = ${id}\nsecret_key = key-of-${id}\n`;
  const file = await folder.write("credentials", pair("AKIDFIRST"));
  const profile = { name: "default", paths: [file], required: true };
  const started = await createEmulatedCam({ keys: { profile, role: ROLE }, emulator: OPEN });
  const { control } = started.emulator;
  const put = (secretId: string) => control.putKey({ secretId, secretKey: `key-of-${secretId}`, uin: OWNER });
  put("AKIDFIRST");
  await started.credentials.get();
  return {
    ...started,
    /** Replaces the pair in the file and revokes the old pair. */
    async rotate() {
      put("AKIDSECOND");
      await folder.write("credentials", pair("AKIDSECOND"));
      control.deleteKey("AKIDFIRST");
    },
    keysAsked: () =>
      control.journal({ action: "AssumeRole" }).filter(({ outcome }) => outcome === "Success").length,
  };
}

test("1,000 concurrent calls across a key rotation and the end of the role's key: none fails, one refresh", async () => {
  const { client, clock, credentials, emulator, rotate, keysAsked } = await startWithRole();
  let answered = 0;
  const calls = Array.from({ length: 1_000 }, async () => {
    await client.call(describeSafeAuthFlagColl, READ, within(clock));
    answered += 1;
    if (answered === 300) await rotate();
    if (answered !== 500) return;
    const { secretId } = await credentials.get();
    emulator.control.changeKey(secretId, { expiresAt: emulator.control.clock().now });
  });
  const settled = await Promise.allSettled(calls);
  const failed = settled.filter(({ status }) => status === "rejected");
  expect(failed.slice(0, 3)).toEqual([]);
  const refreshes = keysAsked() - 1;
  expect(refreshes).toBe(1);
  const journal = emulator.control.journal({ action: "DescribeSafeAuthFlagColl" });
  expect(new Set(journal.map(({ keyId }) => keyId)).size).toBe(2);
  expect(outcomesOf(journal)).toEqual(new Set(["Success", "AuthFailure.TokenFailure"]));
  const refused = journal.filter(({ outcome }) => outcome !== "Success").length;
  keepFigure(
    `${calls.length} concurrent calls across a key rotation and a credential expiry: ${failed.length} failed, ` +
      `${refreshes} refresh (CAM refused the old key ${refused} times)`,
  );
});

test("1,000 calls at the time of renewal share one refresh and do not wait for it", async () => {
  const { client, clock, emulator, keysAsked } = await startWithRole();
  const renewalMs = 0.8 * 7_200_000;
  await clock.advance(renewalMs);
  emulator.control.setClock({ advanceMs: renewalMs });
  const call = () => client.call(describeSafeAuthFlagColl, READ, within(clock));
  await Promise.all(Array.from({ length: 1_000 }, call));
  expect(keysAsked()).toBe(2);
  const journal = emulator.control.journal({ action: "DescribeSafeAuthFlagColl" });
  expect(outcomesOf(journal)).toEqual(new Set(["Success"]));
});

test("a write that CAM refuses for its key is sent once more with the next key", async () => {
  const { client, clock, credentials, emulator, attempts } = await startWithRole();
  const { secretId } = await credentials.get();
  emulator.control.deleteKey(secretId);
  await client.call(setMfaFlag, WRITE, within(clock));
  expect(attempts).toMatchObject([
    { error: { camCode: "AuthFailure.SecretIdNotFound" }, next: { retryInMs: 0 } },
    { error: undefined },
  ]);
  expect(emulator.control.counters()["SetMfaFlag"]).toMatchObject({ received: 2, applied: 1 });
});

test("a call whose key was rotated in its file is sent again with the new key", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("secret-key", "first\n");
  const environment = { ...OWN_PAIR, secretKey: { file } };
  const { client, clock, emulator, attempts } = await createEmulatedCam({ keys: { environment } });
  const key = (secretKey: string) =>
    emulator.control.putKey({ secretId: "AKIDLOCALEXAMPLE", secretKey, uin: OWNER });
  key("first");
  await client.call(setMfaFlag, WRITE, within(clock));
  await folder.write("secret-key", "second\n");
  key("second");
  await client.call(setMfaFlag, WRITE, within(clock));
  expect(attempts.map(({ error }) => error?.camCode)).toEqual([
    undefined,
    "AuthFailure.SignatureFailure",
    undefined,
  ]);
});

test("an empty file keeps the key that was read from it before", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("secret-key", "LocalExampleSecretKey");
  const environment = { ...OWN_PAIR, secretKey: { file } };
  const { client, clock, refreshFailures } = await createEmulatedCam({ keys: { environment } });
  const call = () => client.call(describeSafeAuthFlagColl, READ, within(clock));
  await call();
  await folder.write("secret-key", "");
  await clock.advance(60_000);
  await call();
  expect(refreshFailures).toMatchObject([{ message: expect.stringContaining("Half a key pair") }]);
});

test("a call whose key CAM refuses permanently fails with CAM's refusal", async () => {
  const { client, clock, emulator, credentials } = await startWithRole();
  const { secretId } = await credentials.get();
  emulator.control.deleteKey(secretId);
  emulator.control.deleteKey("AKIDFIRST");
  const error = await failureOf(client.call(describeSafeAuthFlagColl, READ, within(clock)));
  expect(error).toMatchObject({ kind: "REFUSED", camCode: "AuthFailure.SecretIdNotFound" });
});
