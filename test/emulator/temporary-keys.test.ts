import http from "node:http";
import { CommonClient, OIDCRoleArnCredential, STSCredential } from "tencentcloud-sdk-nodejs-common";
import { expect, test } from "vitest";
import type { CamEmulator } from "../../src/emulator/index.ts";
import { webIdentityToken } from "../support/web-identity-token.ts";
import { callCam, codeOf } from "./call-cam.ts";
import { sendRaw } from "./send-raw.ts";
import { startEmulator } from "./start-emulator.ts";

const METADATA = "/latest/meta-data/cam/security-credentials/";
const ROLE = {
  RoleArn: "qcs::cam::uin/100000000001:roleName/mfa-gateway",
  RoleSessionName: "gateway-1",
};

async function metadata(emulator: CamEmulator, name = "", method = "GET") {
  const headers = [["Host", "metadata.tencentyun.com"]] as const;
  const { status, body } = await sendRaw(emulator.controlUrl, {
    method,
    target: METADATA + name,
    headers,
    body: "",
  });
  return { status, text: body.toString() };
}

async function keyOfInstance(emulator: CamEmulator): Promise<Record<string, string>> {
  return JSON.parse((await metadata(emulator, "mfa-gateway")).text);
}

test("an instance receives its role and a key of that role", async () => {
  const emulator = await startEmulator();
  expect(await metadata(emulator)).toEqual({ status: 200, text: "mfa-gateway" });
  const { TmpSecretId = "", TmpSecretKey = "", Token = "", Code } = await keyOfInstance(emulator);
  expect(Code).toBe("Success");
  const key = {
    secretId: TmpSecretId,
    secretKey: TmpSecretKey,
    extraHeaders: [["X-TC-Token", Token]] as const,
  };
  expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("Success");
});

test("an instance gets the same key for half of its lifetime, and another key after a revocation", async () => {
  const emulator = await startEmulator();
  const first = await keyOfInstance(emulator);
  emulator.control.setClock({ advanceMs: 3_590_000 });
  expect(await keyOfInstance(emulator)).toEqual(first);
  emulator.control.setClock({ advanceMs: 20_000 });
  const second = await keyOfInstance(emulator);
  expect(second["TmpSecretId"]).not.toBe(first["TmpSecretId"]);
  emulator.control.deleteKey(second["TmpSecretId"] ?? "");
  expect((await keyOfInstance(emulator))["TmpSecretId"]).not.toBe(second["TmpSecretId"]);
});

test("another role, another method and an instance without a role get 404", async () => {
  const emulator = await startEmulator();
  expect(await metadata(emulator, "another")).toMatchObject({ status: 404 });
  expect(await metadata(emulator, "", "POST")).toMatchObject({ status: 404 });
  expect(await metadata(await startEmulator({ instanceRole: null }))).toMatchObject({ status: 404 });
});

test("the control API expires a key early, revokes it, and sets the lifetime of later keys", async () => {
  const { control, ...emulator } = await startEmulator();
  control.setKeyLifetime(60);
  const sts = { version: "2018-08-13", service: "sts" };
  const { ExpiredTime, Credentials } = await callCam({ control, ...emulator }, "AssumeRole", ROLE, sts);
  expect(Number(ExpiredTime) - Math.floor(control.clock().nowMs / 1000)).toBeLessThanOrEqual(60);
  const {
    TmpSecretId: secretId = "",
    TmpSecretKey: secretKey = "",
    Token = "",
  } = Credentials as Record<string, string>;
  const key = { secretId, secretKey, extraHeaders: [["X-TC-Token", Token]] as const };
  control.changeKey(secretId, { expiresAt: control.clock().now });
  expect(await codeOf({ control, ...emulator }, "ListUsers", {}, key)).toBe("AuthFailure.TokenFailure");
  control.changeKey(secretId, { expiresAt: null, disabled: true });
  expect(await codeOf({ control, ...emulator }, "ListUsers", {}, key)).toBe("AuthFailure.SecretIdNotFound");
  expect(control.changeKey("AKIDNOBODY", { disabled: true })).toBeUndefined();
});

test("all keys of one role share its rate", async () => {
  const emulator = await startEmulator({ ratePerSecond: 1 });
  emulator.control.setClock({ frozen: true });
  const sign = ({ TmpSecretId = "", TmpSecretKey = "", Token = "" }: Record<string, string>) =>
    ({ secretId: TmpSecretId, secretKey: TmpSecretKey, extraHeaders: [["X-TC-Token", Token]] }) as const;
  const first = await keyOfInstance(emulator);
  expect(await codeOf(emulator, "ListUsers", {}, sign(first))).toBe("Success");
  emulator.control.deleteKey(first["TmpSecretId"] ?? "");
  const second = await keyOfInstance(emulator);
  expect(await codeOf(emulator, "ListUsers", {}, sign(second))).toBe("RequestLimitExceeded");
});

/** The vendor's own client, configured only with the address. */
function clientConfig(emulator: CamEmulator, credential: object) {
  const endpoint = new URL(emulator.url).host;
  // A separate agent prevents the use of a proxy from the environment.
  const httpProfile = { protocol: "http://" as const, endpoint, agent: new http.Agent() };
  return { credential: credential as never, region: "ap-guangzhou", profile: { httpProfile } };
}

const OWN_KEY = { secretId: "AKIDLOCALEXAMPLE", secretKey: "LocalExampleSecretKey" };

test("the official SDK assumes a role and calls with the new key", async () => {
  const emulator = await startEmulator();
  const credential = new STSCredential(clientConfig(emulator, OWN_KEY), ROLE);
  const cam = new CommonClient("unused", "2019-01-16", clientConfig(emulator, credential));
  await cam.request("ListUsers", {});
  expect(emulator.control.journal().map(({ action, outcome }) => [action, outcome])).toEqual([
    ["AssumeRole", "Success"],
    ["ListUsers", "Success"],
  ]);
});

test("the official SDK assumes a role with a web identity", async () => {
  const emulator = await startEmulator();
  const exp = Math.floor(emulator.control.clock().nowMs / 1000) + 600;
  const parameters = { ...ROLE, ProviderId: "cls-example", WebIdentityToken: webIdentityToken({ exp }) };
  const none = { secretId: "", secretKey: "" };
  const credential = new OIDCRoleArnCredential(clientConfig(emulator, none), parameters);
  const cam = new CommonClient("unused", "2019-01-16", clientConfig(emulator, credential));
  await cam.request("ListUsers", {});
  expect(emulator.control.journal().map(({ action, scheme }) => [action, scheme])).toEqual([
    ["AssumeRoleWithWebIdentity", "SKIP"],
    ["ListUsers", "TC3-HMAC-SHA256"],
  ]);
});
