import http from "node:http";
import type { LookupFunction } from "node:net";
import { CommonClient } from "tencentcloud-sdk-nodejs-common";
import { expect, test } from "vitest";
import type { CamEmulator } from "../../src/emulator/index.ts";
import { startEmulator } from "./start-emulator.ts";

interface SdkOptions {
  signMethod?: "TC3-HMAC-SHA256" | "HmacSHA1" | "HmacSHA256";
  reqMethod?: "POST" | "GET";
  endpoint?: string;
  version?: string;
  credential?: { secretId: string; secretKey: string; token?: string };
  language?: "zh-CN" | "en-US";
  agent?: http.Agent;
}

/** The vendor's own client, configured only with the address. */
function sdk(emulator: CamEmulator, options: SdkOptions = {}): CommonClient {
  const { signMethod = "TC3-HMAC-SHA256", reqMethod = "POST", version = "2019-01-16" } = options;
  const credential = options.credential ?? {
    secretId: "AKIDLOCALEXAMPLE",
    secretKey: "LocalExampleSecretKey",
  };
  const endpoint = options.endpoint ?? new URL(emulator.url).host;
  // A separate agent prevents the use of a proxy from the environment.
  const agent = options.agent ?? new http.Agent();
  return new CommonClient(endpoint, version, {
    credential,
    profile: {
      signMethod,
      ...(options.language ? { language: options.language } : {}),
      httpProfile: { protocol: "http://", reqMethod, endpoint, agent },
    },
  });
}

const WAYS = [
  { signMethod: "TC3-HMAC-SHA256", reqMethod: "POST" },
  { signMethod: "TC3-HMAC-SHA256", reqMethod: "GET" },
  { signMethod: "HmacSHA1", reqMethod: "POST" },
  { signMethod: "HmacSHA1", reqMethod: "GET" },
  { signMethod: "HmacSHA256", reqMethod: "POST" },
  { signMethod: "HmacSHA256", reqMethod: "GET" },
] as const;

test.each(WAYS)("the official SDK writes and reads with $signMethod by $reqMethod", async (way) => {
  const emulator = await startEmulator();
  const client = sdk(emulator, way);
  const written = await client.request("SetMfaFlag", {
    OpUin: 100021969091,
    LoginFlag: { Phone: 1, Stoken: 0, Wechat: 0 },
    ActionFlag: { Phone: 0, Stoken: 1, Wechat: 0 },
  });
  expect(written).toEqual({ RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  const read = await client.request("DescribeSafeAuthFlagColl", { SubUin: 100021969091 });
  expect(read.LoginFlag).toMatchObject({ Phone: 1, Stoken: 0 });
  expect(read.ActionFlag).toMatchObject({ Phone: 0, Stoken: 1 });
});

test.each(WAYS)("a BigInt Uin of 20 digits arrives exact with $signMethod by $reqMethod", async (way) => {
  const emulator = await startEmulator();
  await sdk(emulator, way).request("SetMfaFlag", { OpUin: 18446744073709551615n, ActionFlag: { Wechat: 1 } });
  expect(emulator.control.user("18446744073709551615")?.actionFlag.Wechat).toBe(1);
});

test.each(WAYS)("a list arrives whole with $signMethod by $reqMethod", async (way) => {
  const emulator = await startEmulator();
  const { SubAccounts } = await sdk(emulator, way).request("DescribeSubAccounts", {
    FilterSubAccountUin: [100021969091, 100021969092n, 100021969099],
  });
  expect(SubAccounts.map(({ Name }: { Name: string }) => Name).sort()).toEqual(["alice", "bob"]);
});

test.each(WAYS)("a wrong secret key is a SignatureFailure with $signMethod by $reqMethod", async (way) => {
  const emulator = await startEmulator();
  const client = sdk(emulator, { ...way, credential: { secretId: "AKIDLOCALEXAMPLE", secretKey: "wrong" } });
  await expect(client.request("ListUsers", {})).rejects.toMatchObject({
    code: "AuthFailure.SignatureFailure",
  });
});

test.each(WAYS)("non-ASCII parameters keep their signature with $signMethod by $reqMethod", async (way) => {
  const emulator = await startEmulator();
  emulator.control.putUser({ uin: "100021969500", name: "王小明 & co+100%" });
  const user = await sdk(emulator, way).request("GetUser", { Name: "王小明 & co+100%" });
  expect(user.Uin).toBe(100021969500);
});

test.each(WAYS)("a temporary key works with its token only, $signMethod by $reqMethod", async (way) => {
  const emulator = await startEmulator();
  const keyPair = { secretId: "AKIDTEMPORARYEXAMPLE", secretKey: "LocalExampleTemporaryKey" };
  const attempt = (token?: string) =>
    sdk(emulator, { ...way, credential: { ...keyPair, ...(token ? { token } : {}) } }).request(
      "ListUsers",
      {},
    );
  await expect(attempt("LocalExampleToken")).resolves.toHaveProperty("Data");
  await expect(attempt("LocalExampleTokem")).rejects.toMatchObject({ code: "AuthFailure.TokenFailure" });
  await expect(attempt()).rejects.toMatchObject({ code: "AuthFailure.TokenFailure" });
});

test("an endpoint called localhost is accepted, although its scope contains a colon", async () => {
  const emulator = await startEmulator();
  const agent = new http.Agent({ lookup: lookupLoopback });
  const endpoint = `localhost:${new URL(emulator.url).port}`;
  await expect(sdk(emulator, { endpoint, agent }).request("ListUsers", {})).resolves.toHaveProperty("Data");
});

test("the vendor's own host name, resolved to the emulator, is accepted", async () => {
  const emulator = await startEmulator();
  const agent = new http.Agent({ lookup: lookupLoopback });
  const endpoint = `cam.tencentcloudapi.com:${new URL(emulator.url).port}`;
  await expect(sdk(emulator, { endpoint, agent }).request("ListUsers", {})).resolves.toHaveProperty("Data");
});

test("GetCallerIdentity of sts returns the owner of the key", async () => {
  const emulator = await startEmulator();
  const client = sdk(emulator, { version: "2018-08-13" });
  await expect(client.request("GetCallerIdentity", {})).resolves.toMatchObject({
    Arn: "qcs::cam:100000000001:uin/100021969090",
    AccountId: "100000000001",
    UserId: "100021969090",
    Type: "CAMUser",
  });
});

test("a refusal has its code, its RequestId and the SDK's trace id", async () => {
  const emulator = await startEmulator();
  const refusal = await sdk(emulator)
    .request("SetMfaFlag", { OpUin: 100021969092, LoginFlag: { Phone: 1 } })
    .catch((error: unknown) => error);
  const [entry] = emulator.control.journal();
  expect(refusal).toMatchObject({
    code: "FailedOperation.UserNotBindPhone",
    requestId: entry?.requestId,
    traceId: entry?.traceId,
  });
});

test.each(["POST", "GET"] as const)(
  "the SDK's language sets the language of the message, by %s",
  async (reqMethod) => {
    const emulator = await startEmulator();
    const messageIn = async (language: "zh-CN" | "en-US", signMethod: "TC3-HMAC-SHA256" | "HmacSHA256") => {
      const client = sdk(emulator, { language, signMethod, reqMethod });
      const error: unknown = await client
        .request("GetUser", { Name: "nobody" })
        .catch((caught: unknown) => caught);
      return (error as Error).message;
    };
    for (const signMethod of ["TC3-HMAC-SHA256", "HmacSHA256"] as const) {
      expect(await messageIn("zh-CN", signMethod)).toBe("用户不存在。");
      expect(await messageIn("en-US", signMethod)).toBe("The user does not exist.");
    }
  },
);

const lookupLoopback: LookupFunction = (_host, options, done) => {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};
