import { expect, test } from "vitest";
import {
  type Credential,
  createStaticProvider,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  getCallerIdentity,
  setMfaFlag,
} from "../../src/cam/index.ts";
import type { Uin } from "../../src/contract/index.ts";
import { Secret } from "../../src/secret.ts";
import { createCam, createEmulatedCam, within } from "../support/create-cam.ts";
import { JumpingClock } from "../support/fake-clock.ts";
import { reply, startStubCam } from "../support/start-stub-cam.ts";

const ALICE = "100021969091" as Uin;
const MAX = "18446744073709551615" as Uin;
const OFF = { phone: false, stoken: false, wechat: false };

function key(secretId: string, secretKey: string, token?: string): Credential {
  return { secretId, secretKey: new Secret(secretKey), ...(token && { token: new Secret(token) }) };
}

test("a read returns the flags that a write set", async () => {
  const { emulator, client, clock } = await createEmulatedCam();
  const { camRequestId } = await client.call(
    setMfaFlag,
    { opUin: ALICE, login: { ...OFF, phone: true }, action: { ...OFF, stoken: true } },
    within(clock),
  );
  expect(emulator.control.journal()).toMatchObject([
    { requestId: camRequestId, opUin: ALICE, traceId: "test-trace" },
  ]);
  const { output } = await client.call(describeSafeAuthFlagColl, { subUin: ALICE }, within(clock));
  expect(output).toMatchObject({
    login: { phone: true, stoken: false, wechat: false },
    action: { phone: false, stoken: true, wechat: false },
  });
});

test("the largest Uin keeps every digit in a request and in a reply", async () => {
  const { emulator, client, clock } = await createEmulatedCam();
  await client.call(setMfaFlag, { opUin: MAX, login: { ...OFF, stoken: true } }, within(clock));
  expect(emulator.control.journal()).toMatchObject([{ opUin: MAX, outcome: "Success", applied: true }]);
  const { output } = await client.call(describeSubAccounts, { uins: [MAX, ALICE] }, within(clock));
  expect(output.map(({ uin, name }) => [uin, name])).toEqual([
    [MAX, "max"],
    [ALICE, "alice"],
  ]);
});

test("a request has the expected headers and body on the wire", async () => {
  const cam = await startStubCam(reply());
  const clock = new JumpingClock(1_551_113_065_000);
  const provider = createStaticProvider(key("AKIDTEST", "s3cr3t", "t0k3n"));
  const { client } = createCam(cam.url, { clock, provider, config: { language: "zh-CN" } });
  await client.call(setMfaFlag, { opUin: MAX, login: OFF }, within(clock));
  const [head = "", body] = cam.requests[0]?.split("\r\n\r\n") ?? [];
  expect(body).toBe('{"OpUin":18446744073709551615,"LoginFlag":{"Phone":0,"Stoken":0,"Wechat":0}}');
  const [line, ...fields] = head.split("\r\n");
  expect(line).toBe("POST / HTTP/1.1");
  expect(Object.fromEntries(fields.map((field) => field.split(": ")))).toEqual({
    host: "cam.tencentcloudapi.com",
    connection: "keep-alive",
    "content-type": "application/json",
    "content-length": String(body?.length),
    authorization: expect.stringMatching(
      /^TC3-HMAC-SHA256 Credential=AKIDTEST\/2019-02-25\/cam\/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=[0-9a-f]{64}$/,
    ),
    "x-tc-action": "SetMfaFlag",
    "x-tc-version": "2019-01-16",
    "x-tc-timestamp": "1551113065",
    "x-tc-language": "zh-CN",
    "x-tc-requestclient": "cam-mfa-gateway",
    "x-tc-traceid": "test-trace",
    "x-tc-token": "t0k3n",
  });
});

test.each([
  ["AKIDTEMPORARYEXAMPLE", "LocalExampleTemporaryKey", "LocalExampleToken", undefined],
  ["AKIDLOCALEXAMPLE", "AnotherKey", undefined, "AuthFailure.SignatureFailure"],
  ["AKIDUNKNOWN", "LocalExampleSecretKey", undefined, "AuthFailure.SecretIdNotFound"],
  ["NOTAKID", "LocalExampleSecretKey", undefined, "AuthFailure.InvalidSecretId"],
  ["AKIDTEMPORARYEXAMPLE", "LocalExampleTemporaryKey", undefined, "AuthFailure.TokenFailure"],
  ["AKIDTEMPORARYEXAMPLE", "LocalExampleTemporaryKey", "AnotherToken", "AuthFailure.TokenFailure"],
  ["AKIDLOCALEXAMPLE", "LocalExampleSecretKey", "LocalExampleToken", "AuthFailure.TokenFailure"],
] as const)("key %s with %s and token %s: %s", async (secretId, secretKey, token, camCode) => {
  const provider = createStaticProvider(key(secretId, secretKey, token));
  const { emulator, client, clock } = await createEmulatedCam({ provider });
  const calling = client.call(describeSafeAuthFlagColl, { subUin: ALICE }, within(clock));
  if (camCode === undefined)
    await expect(calling).resolves.toMatchObject({ output: { login: { stoken: true } } });
  else await expect(calling).rejects.toMatchObject({ kind: "REFUSED", camCode, attempts: 1 });
  expect(emulator.control.journal()).toHaveLength(1);
});

test("the client signs with a rotated key after a minute", async () => {
  let current = key("AKIDLOCALEXAMPLE", "LocalExampleSecretKey");
  const provider = { name: "rotating", load: async () => current };
  const { emulator, client, clock } = await createEmulatedCam({ provider });
  const read = () => client.call(describeSafeAuthFlagColl, { subUin: ALICE }, within(clock));
  await read();
  current = key("AKIDROTATED", "RotatedKey");
  emulator.control.putKey({ secretId: "AKIDROTATED", secretKey: "RotatedKey", uin: "100021969090" });
  await clock.advance(60_000);
  await read();
  expect(emulator.control.journal().map(({ keyId }) => keyId)).toEqual(["AKIDLOCALEXAMPLE", "AKIDROTATED"]);
});

test("GetCallerIdentity goes to the host and scope of STS and returns the key's owner", async () => {
  const { client, clock } = await createEmulatedCam();
  const { output } = await client.call(getCallerIdentity, undefined, within(clock));
  expect(output).toEqual({
    type: "CAMUser",
    accountId: "100000000001",
    principalId: "100021969090",
    arn: "qcs::cam:100000000001:uin/100021969090",
  });
  const stub = await startStubCam(reply());
  const stubbed = createCam(stub.url);
  await stubbed.client.call(getCallerIdentity, undefined, within(stubbed.clock));
  expect(stub.requests[0]).toMatch(/^host: sts\.tencentcloudapi\.com\r$/m);
  expect(stub.requests[0]).toMatch(/^x-tc-version: 2018-08-13\r$/m);
  expect(stub.requests[0]).toContain("/sts/tc3_request, ");
});
