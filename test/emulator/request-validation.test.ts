import { expect, test } from "vitest";
import { signTc3 } from "../support/sign-tc3.ts";
import { callCam, codeOf, responseOf, signedPost } from "./call-cam.ts";
import { type RawRequest, sendRaw } from "./send-raw.ts";
import { startEmulator } from "./start-emulator.ts";

const ALICE = 100021969091;

/** Raw JSON, so that the request has each number exactly as written here. */
const PARAMETERS: [action: string, body: string, code: string, message?: RegExp][] = [
  ["SetMfaFlag", "{}", "MissingParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":100021969091,"Extra":1}', "UnknownParameter", /`Extra`/],
  [
    "SetMfaFlag",
    '{"OpUin":100021969091,"$schema":"x"}',
    "UnknownParameter",
    /The parameter `\$schema` is not recognized\./,
  ],
  ["SetMfaFlag", '{"OpUin":100021969091,"__proto__":1}', "UnknownParameter", /`__proto__`/],
  ["SetMfaFlag", '{"OpUin":100021969091,"LoginFlag":{"Mail":1}}', "UnknownParameter", /`LoginFlag\.Mail`/],
  [
    "SetMfaFlag",
    '{"OpUin":100021969091,"LoginFlag":{"U2FToken":0}}',
    "UnknownParameter",
    /`LoginFlag\.U2FToken`/,
  ],
  [
    "SetMfaFlag",
    '{"OpUin":"100021969091"}',
    "InvalidParameter",
    /The value type of parameter `OpUin` is not valid/,
  ],
  ["SetMfaFlag", '{"OpUin":100021969091.0}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":1e11}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":-1}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":18446744073709551616}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":null}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":true}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":[100021969091]}', "InvalidParameter", /`OpUin`/],
  ["SetMfaFlag", '{"OpUin":100021969091,"LoginFlag":1}', "InvalidParameter", /`LoginFlag`/],
  ["SetMfaFlag", '{"OpUin":100021969091,"LoginFlag":[]}', "InvalidParameter", /`LoginFlag`/],
  ["SetMfaFlag", '{"OpUin":100021969091,"LoginFlag":null}', "InvalidParameter", /`LoginFlag`/],
  [
    "SetMfaFlag",
    '{"OpUin":100021969091,"LoginFlag":{"Phone":true}}',
    "InvalidParameter",
    /`LoginFlag\.Phone`/,
  ],
  [
    "SetMfaFlag",
    '{"OpUin":100021969091,"LoginFlag":{"Phone":"1"}}',
    "InvalidParameter",
    /`LoginFlag\.Phone`/,
  ],
  [
    "SetMfaFlag",
    '{"OpUin":100021969091,"LoginFlag":{"Phone":2}}',
    "InvalidParameterValue",
    /`LoginFlag\.Phone`/,
  ],
  [
    "SetMfaFlag",
    '{"OpUin":100021969091,"ActionFlag":{"Stoken":18446744073709551615}}',
    "InvalidParameterValue",
  ],
  ["SetMfaFlag", "", "InvalidParameter", /not valid JSON/],
  ["SetMfaFlag", '{"OpUin":100021969091', "InvalidParameter", /not valid JSON/],
  ["SetMfaFlag", "[]", "InvalidParameter", /not a JSON object/],
  ["SetMfaFlag", "null", "InvalidParameter", /not a JSON object/],
  ["DescribeSafeAuthFlagColl", "{}", "MissingParameter", /`SubUin`/],
  ["DescribeSafeAuthFlagColl", '{"SubUin":100021969091,"OpUin":1}', "UnknownParameter", /`OpUin`/],
  ["DescribeSubAccounts", "{}", "MissingParameter", /`FilterSubAccountUin`/],
  ["DescribeSubAccounts", '{"FilterSubAccountUin":[]}', "InvalidParameter", /1 to 50/],
  [
    "DescribeSubAccounts",
    '{"FilterSubAccountUin":100021969091}',
    "InvalidParameter",
    /`FilterSubAccountUin`/,
  ],
  ["DescribeSubAccounts", '{"FilterSubAccountUin":{"0":1}}', "InvalidParameter", /`FilterSubAccountUin`/],
  ["DescribeSubAccounts", '{"FilterSubAccountUin":[1,"2"]}', "InvalidParameter", /`FilterSubAccountUin\.1`/],
  ["ListUsers", '{"Limit":1}', "UnknownParameter", /`Limit`/],
  ["GetUser", "{}", "MissingParameter", /`Name`/],
  ["GetUser", '{"Name":1}', "InvalidParameter", /`Name`/],
];

test.each(PARAMETERS)("%s %s is refused: %s", async (action, body, code, message = /./) => {
  const emulator = await startEmulator();
  const { Error: error } = await callCam(emulator, action, body);
  expect(error).toMatchObject({ Code: code, Message: expect.stringMatching(message) });
});

const COMMON: [what: string, action: string, options: Parameters<typeof callCam>[3], code: string][] = [
  ["an unknown action", "SetMfaFlags", {}, "InvalidAction"],
  ["an unknown version", "SetMfaFlag", { version: "2019-01-17" }, "NoSuchVersion"],
  ["an sts action sent to cam", "GetCallerIdentity", {}, "InvalidAction"],
  ["the sts version sent to cam", "SetMfaFlag", { version: "2018-08-13" }, "NoSuchVersion"],
  ["a cam action sent to sts", "SetMfaFlag", { version: "2018-08-13", service: "sts" }, "InvalidAction"],
  ["an unknown region", "ListUsers", { extraHeaders: [["X-TC-Region", "nowhere"]] }, "InvalidParameterValue"],
];

test.each(COMMON)("%s is refused", async (_what, action, options, code) => {
  const emulator = await startEmulator();
  expect(await codeOf(emulator, action, { OpUin: ALICE }, options)).toBe(code);
});

test("a real region and an empty one pass, and the SDK's region `null` passes unless configured otherwise", async () => {
  const withRegion = (region: string) => ({ extraHeaders: [["X-TC-Region", region]] as const });
  const emulator = await startEmulator();
  expect(await codeOf(emulator, "ListUsers", {}, withRegion("ap-guangzhou"))).toBe("Success");
  expect(await codeOf(emulator, "ListUsers", {}, withRegion(""))).toBe("Success");
  expect(await codeOf(emulator, "ListUsers", {}, withRegion("null"))).toBe("Success");
  const strict = await startEmulator({ nullRegion: "refuse" });
  expect(await codeOf(strict, "ListUsers", {}, withRegion("ap-guangzhou"))).toBe("Success");
  expect(await codeOf(strict, "ListUsers", {}, withRegion("null"))).toBe("InvalidParameterValue");
});

test.each(["Action", "Version", "Timestamp"])("a request without %s is a MissingParameter", async (name) => {
  const emulator = await startEmulator();
  const request = signedPost(emulator, "ListUsers", {});
  const headers = request.headers.filter(([header]) => header !== `X-TC-${name}`);
  const { Error: error } = responseOf(await sendRaw(emulator.url, { ...request, headers }));
  expect(error).toEqual({
    Code: "MissingParameter",
    Message: `The request is missing a required parameter \`${name}\`.`,
  });
});

test("an empty request gets an error about the first missing part", async () => {
  const emulator = await startEmulator();
  const bare: RawRequest = { method: "GET", target: "/", headers: [], body: "" };
  expect(responseOf(await sendRaw(emulator.url, bare)).Error?.Message).toMatch(/`Action`/);
});

test.each(["PUT", "DELETE", "OPTIONS", "PATCH"])("%s is an UnsupportedProtocol", async (method) => {
  const emulator = await startEmulator();
  const request = { ...signedPost(emulator, "ListUsers", {}), method };
  expect(responseOf(await sendRaw(emulator.url, request)).Error?.Code).toBe("UnsupportedProtocol");
});

test.each(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])(
  "a TC3 POST of type %s is an UnsupportedOperation",
  async (contentType) => {
    const emulator = await startEmulator();
    const request = resigned(signedPost(emulator, "ListUsers", {}), contentType, new URL(emulator.url).host);
    expect(responseOf(await sendRaw(emulator.url, request)).Error?.Code).toBe("UnsupportedOperation");
  },
);

test("a content type with a charset is accepted if it is signed as sent", async () => {
  const emulator = await startEmulator();
  const request = signedPost(emulator, "ListUsers", {});
  const sent = resigned(request, "application/json; charset=UTF-8", new URL(emulator.url).host);
  expect(responseOf(await sendRaw(emulator.url, sent))).toHaveProperty("Data");
});

test("a body that is not UTF-8 is refused", async () => {
  const emulator = await startEmulator();
  const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  const request = resigned(
    { ...signedPost(emulator, "ListUsers", {}), body },
    "application/json",
    new URL(emulator.url).host,
  );
  expect(responseOf(await sendRaw(emulator.url, request)).Error).toMatchObject({ Code: "InvalidParameter" });
});

test("an unsigned payload is accepted with the header for it", async () => {
  const emulator = await startEmulator();
  const request = signedPost(emulator, "ListUsers", {});
  const unsigned = resigned(
    request,
    "application/json",
    new URL(emulator.url).host,
    "438d4109ef0d676b8c2c7ed13cdfcb418e494d53b843d4634ce3b1085f07bb96",
  );
  const headers = [...unsigned.headers, ["X-TC-Content-SHA256", "UNSIGNED-PAYLOAD"] as const];
  expect(responseOf(await sendRaw(emulator.url, { ...unsigned, headers }))).toHaveProperty("Data");
});

test("a TC3 body of 10 MB passes the size check and one byte more does not", async () => {
  const emulator = await startEmulator();
  const limit = 10 * 1024 * 1024;
  const padded = (bytes: number) => `{}${" ".repeat(bytes - 2)}`;
  expect(await codeOf(emulator, "ListUsers", padded(limit))).toBe("Success");
  expect(await codeOf(emulator, "ListUsers", padded(limit + 1))).toBe("RequestSizeLimitExceeded");
});

test("the error about a v1 body over 1 MB recommends TC3", async () => {
  const emulator = await startEmulator();
  const { Error: error } = responseOf(
    await sendRaw(emulator.url, {
      method: "POST",
      target: "/",
      headers: [["Content-Type", "application/x-www-form-urlencoded"]],
      body: "a".repeat(1024 * 1024 + 1),
    }),
  );
  expect(error?.Code).toBe("RequestSizeLimitExceeded");
  expect(error?.Message).toContain("please use new signature method `TC3-HMAC-SHA256`");
});

test("a GET of more than 32 KB is refused", async () => {
  const emulator = await startEmulator();
  const long: RawRequest = { method: "GET", target: `/?a=${"b".repeat(32 * 1024)}`, headers: [], body: "" };
  expect(responseOf(await sendRaw(emulator.url, long)).Error?.Code).toBe("RequestSizeLimitExceeded");
});

test("every answer has HTTP 200, CAM's exact content type, the emulated date and the caller's trace id", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true, atMs: Date.UTC(2027, 0, 2, 3, 4, 5) });
  for (const action of ["ListUsers", "NoSuchAction"]) {
    const request = signedPost(emulator, action, {}, { extraHeaders: [["X-TC-TraceId", "trace-1"]] });
    const reply = await sendRaw(emulator.url, request);
    expect(reply.status).toBe(200);
    expect(reply.headers).toMatchObject({
      "content-type": "application/json",
      date: "Sat, 02 Jan 2027 03:04:05 GMT",
      "x-tc-traceid": "trace-1",
    });
  }
});

test("messages are English unless the caller requests Chinese", async () => {
  const emulator = await startEmulator();
  const inLanguage = async (language: string) => {
    const extraHeaders = [["X-TC-Language", language]] as const;
    return (await callCam(emulator, "GetUser", {}, { extraHeaders })).Error?.Message;
  };
  expect(await inLanguage("zh-CN")).toBe("缺少必要参数 `Name`。");
  expect(await inLanguage("en-US")).toBe("The request is missing a required parameter `Name`.");
});

test("a bad parameter is reported only to an authenticated caller", async () => {
  const emulator = await startEmulator();
  expect(await codeOf(emulator, "SetMfaFlag", "not json", { secretKey: "wrong" })).toBe(
    "AuthFailure.SignatureFailure",
  );
});

/** Signs the same request again over another content type. */
function resigned(request: RawRequest, contentType: string, host: string, payloadHash?: string): RawRequest {
  const timestamp = Number(request.headers.find(([name]) => name === "X-TC-Timestamp")?.[1]);
  const { authorization } = signTc3({
    method: "POST",
    headers: [
      ["Content-Type", contentType],
      ["Host", host],
    ],
    payload: request.body,
    ...(payloadHash === undefined ? {} : { payloadHash }),
    timestamp,
    service: "cam",
    secretId: "AKIDLOCALEXAMPLE",
    secretKey: "LocalExampleSecretKey",
  });
  const replace = ([name, value]: readonly [string, string]) => {
    if (name === "Content-Type") return [name, contentType] as const;
    return [name, name === "Authorization" ? authorization : value] as const;
  };
  return { ...request, headers: request.headers.map(replace) };
}
