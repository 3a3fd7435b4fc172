import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { describeEvent } from "../../src/emulator/emulator-event.ts";
import type { EmulatorEvent } from "../../src/emulator/index.ts";
import { signTc3, type Tc3Input } from "../support/sign-tc3.ts";
import { responseOf } from "./call-cam.ts";
import { sendRaw } from "./send-raw.ts";
import { type RecordedEmulator, startEmulator } from "./start-emulator.ts";

const SIGNED_AT = 1_795_487_117;
const SECRET_KEY = "LocalExampleSecretKey";

type Mismatch = Extract<EmulatorEvent, { kind: "signatureMismatch" }>;

/** Sends a request whose signature covers different values, as a faulty signer does. */
async function sendSignedAs(emulator: RecordedEmulator, signedAs: Partial<Tc3Input>, sentBody = "{}") {
  emulator.control.setClock({ frozen: true, atMs: SIGNED_AT * 1000 });
  const { host } = new URL(emulator.url);
  const input = {
    method: "POST",
    headers: [
      ["Content-Type", "application/json"],
      ["Host", host],
    ],
    payload: sentBody,
    timestamp: SIGNED_AT,
    service: "cam",
    secretId: "AKIDLOCALEXAMPLE",
    secretKey: SECRET_KEY,
    ...signedAs,
  } satisfies Tc3Input;
  const { authorization } = signTc3(input);
  const reply = await sendRaw(emulator.url, {
    method: "POST",
    target: "/",
    headers: [
      ["Content-Type", "application/json"],
      ["Host", host],
      ["X-TC-Action", "ListUsers"],
      ["X-TC-Version", "2019-01-16"],
      ["X-TC-Timestamp", String(SIGNED_AT)],
      ["Authorization", authorization],
    ],
    body: sentBody,
  });
  const signature = authorization.slice(-64);
  const mismatch = emulator.events.find((event): event is Mismatch => event.kind === "signatureMismatch");
  return { code: responseOf(reply).Error?.Code, mismatch, signature };
}

const MISTAKES: [what: string, signedAs: Partial<Tc3Input>, cause: RegExp, sentBody?: string][] = [
  [
    "another host",
    {
      headers: [
        ["Content-Type", "application/json"],
        ["Host", "cam.tencentcloudapi.com"],
      ],
    },
    /Another host was signed: cam\.tencentcloudapi\.com/,
  ],
  [
    "a charset that was not sent",
    {
      headers: [
        ["Content-Type", "application/json; charset=utf-8"],
        ["Host", "127.0.0.1"],
      ],
    },
    /Another content-type was signed/,
  ],
  [
    "a body without its trailing newline",
    { payload: "{}" },
    /trailing white space that was not signed/,
    "{}\n",
  ],
  ["a trailing newline that was not sent", { payload: "{}\n" }, /trailing newline that was not sent/],
  ["an empty body", { payload: "" }, /The body was not signed/],
  ["an unsigned payload without the header", { payload: "UNSIGNED-PAYLOAD" }, /UNSIGNED-PAYLOAD/],
  ["the local date of tomorrow", { date: "2026-11-25" }, /The scope's date is 2026-11-25.*2026-11-24/],
  ["an empty path", { path: "" }, /The path was signed as an empty text/],
  [
    "a secret key with a trailing space",
    { secretKey: `${SECRET_KEY} ` },
    /secret key has trailing white space/,
  ],
  ["a secret key with a newline", { secretKey: `${SECRET_KEY}\n` }, /secret key has trailing white space/],
  [
    "a secret key with a leading space",
    { secretKey: ` ${SECRET_KEY}` },
    /secret key has leading white space/,
  ],
  ["another product", { service: "cvm" }, /The scope's service is cvm; expected cam or sts/],
  ["another secret key", { secretKey: "SomebodyElsesKey" }, /No known mistake fits/],
];

test.each(MISTAKES)(
  "a signature over %s is refused and explained",
  async (_what, signedAs, cause, sentBody) => {
    const emulator = await startEmulator();
    const { code, mismatch } = await sendSignedAs(emulator, signedAs, sentBody);
    expect(code).toBe("AuthFailure.SignatureFailure");
    expect(mismatch?.cause).toMatch(cause);
    expect(mismatch?.requestId).toBe(emulator.control.journal()[0]?.requestId);
  },
);

test("the report shows the rebuilt request and the first line that differs", async () => {
  const emulator = await startEmulator();
  const { host } = new URL(emulator.url);
  const { mismatch } = await sendSignedAs(emulator, {
    headers: [
      ["Content-Type", "application/json"],
      ["Host", "cam.tencentcloudapi.com"],
    ],
  });
  expect(mismatch?.firstDifference).toEqual({
    line: 5,
    received: `host:${host}`,
    signed: "host:cam.tencentcloudapi.com",
  });
  expect(mismatch?.canonicalRequest?.split("\n").slice(0, 5)).toEqual([
    "POST",
    "/",
    "",
    "content-type:application/json",
    `host:${host}`,
  ]);
  expect(mismatch?.stringToSign).toMatch(
    /^TC3-HMAC-SHA256\n1795487117\n2026-11-24\/cam\/tc3_request\n[0-9a-f]{64}$/,
  );
});

test("a scope with another date is refused even if the signature matches it", async () => {
  const emulator = await startEmulator();
  const { code } = await sendSignedAs(emulator, { date: "2026-11-23" });
  expect(code).toBe("AuthFailure.SignatureFailure");
});

test("no report, event or journal entry contains a secret, a token or a signature", async () => {
  const emulator = await startEmulator();
  const { signature } = await sendSignedAs(emulator, { secretKey: `${SECRET_KEY} ` });
  await sendV1(emulator, { Token: "LocalExampleToken", SecretId: "AKIDTEMPORARYEXAMPLE" });
  const told = JSON.stringify([
    emulator.events,
    emulator.control.journal(),
    emulator.events.map(describeEvent),
  ]);
  expect(emulator.events.filter(({ kind }) => kind === "signatureMismatch")).toHaveLength(2);
  for (const secret of [SECRET_KEY, "LocalExampleTemporaryKey", "LocalExampleToken", signature]) {
    expect(told).not.toContain(secret);
  }
});

test("the report explains a v1 signature with the other hash", async () => {
  const emulator = await startEmulator();
  await sendV1(emulator, { SignatureMethod: "HmacSHA1" });
  expect(emulator.events.find(({ kind }) => kind === "signatureMismatch")).toMatchObject({
    cause: "Signed with HmacSHA256, sent as HmacSHA1.",
    stringToSign: expect.stringMatching(/^GET127\.0\.0\.1:\d+\/\?Action=ListUsers&/),
  });
});

test("the log explains a refused signature", async () => {
  const emulator = await startEmulator();
  const { mismatch } = await sendSignedAs(emulator, { date: "2026-11-23", payload: "" });
  expect(mismatch && describeEvent(mismatch)).toMatch(/^Signature refused for AKIDLOCALEXAMPLE/);
});

/** Sends a GET whose signature covers other parameters. */
async function sendV1(emulator: RecordedEmulator, sentInstead: Record<string, string>): Promise<void> {
  emulator.control.setClock({ frozen: true, atMs: SIGNED_AT * 1000 });
  const { host } = new URL(emulator.url);
  const sent: Record<string, string> = {
    Action: "ListUsers",
    Nonce: "1",
    SecretId: "AKIDLOCALEXAMPLE",
    SignatureMethod: "HmacSHA256",
    Timestamp: String(SIGNED_AT),
    Version: "2019-01-16",
    ...sentInstead,
  };
  const text = Object.keys(sent)
    .sort()
    .map((name) => `${name}=${sent[name]}`)
    .join("&");
  const signature = createHmac("sha256", SECRET_KEY).update(`GET${host}/?${text}`).digest("base64");
  await sendRaw(emulator.url, {
    method: "GET",
    target: `/?${text}&Signature=${encodeURIComponent(signature)}`,
    headers: [["Host", host]],
    body: "",
  });
}
