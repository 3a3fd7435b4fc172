import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import type { CamEmulator } from "../../src/emulator/index.ts";
import { signTc3 } from "../support/sign-tc3.ts";
import { responseOf } from "./call-cam.ts";
import { type RawRequest, sendRaw } from "./send-raw.ts";
import { startEmulator } from "./start-emulator.ts";

const SIGNED_AT = 1_795_487_117;
const BODY = '{"OpUin":100021969091,"LoginFlag":{"Phone":0,"Stoken":0,"Wechat":1}}';

/** A request that signs everything possible, because CAM cannot check unsigned parts. */
function genuinePost(emulator: CamEmulator): RawRequest {
  const signed = [
    ["Content-Type", "application/json"],
    ["Host", new URL(emulator.url).host],
    ["X-TC-Action", "SetMfaFlag"],
    ["X-TC-Language", "en-US"],
    ["X-TC-Version", "2019-01-16"],
  ] as const;
  const { authorization } = signTc3({
    method: "POST",
    headers: signed,
    payload: BODY,
    timestamp: SIGNED_AT,
    service: "cam",
    secretId: "AKIDLOCALEXAMPLE",
    secretKey: "LocalExampleSecretKey",
  });
  const unsigned = [
    ["X-TC-Timestamp", String(SIGNED_AT)],
    ["Authorization", authorization],
  ] as const;
  return { method: "POST", target: "/", headers: [...signed, ...unsigned], body: BODY };
}

function genuineGet(emulator: CamEmulator): RawRequest {
  const query = "LoginFlag.Wechat=1&OpUin=100021969091";
  const signed = [
    ["Content-Type", "application/x-www-form-urlencoded"],
    ["Host", new URL(emulator.url).host],
  ] as const;
  const { authorization } = signTc3({
    method: "GET",
    query,
    headers: signed,
    payload: "",
    timestamp: SIGNED_AT,
    service: "cam",
    secretId: "AKIDLOCALEXAMPLE",
    secretKey: "LocalExampleSecretKey",
  });
  const unsigned = [
    ["X-TC-Action", "SetMfaFlag"],
    ["X-TC-Version", "2019-01-16"],
    ["X-TC-Timestamp", String(SIGNED_AT)],
    ["Authorization", authorization],
  ] as const;
  return { method: "GET", target: `/?${query}`, headers: [...signed, ...unsigned], body: "" };
}

function genuineForm(emulator: CamEmulator): RawRequest {
  const parameters = [
    "Action=SetMfaFlag",
    "LoginFlag.Wechat=1",
    "Nonce=11886",
    "OpUin=100021969091",
    "SecretId=AKIDLOCALEXAMPLE",
    "SignatureMethod=HmacSHA256",
    `Timestamp=${SIGNED_AT}`,
    "Version=2019-01-16",
  ].join("&");
  const { host } = new URL(emulator.url);
  const signature = createHmac("sha256", "LocalExampleSecretKey")
    .update(`POST${host}/?${parameters}`)
    .digest("base64");
  return {
    method: "POST",
    target: "/",
    headers: [
      ["Host", host],
      ["Content-Type", "application/x-www-form-urlencoded"],
    ],
    body: `${parameters}&Signature=${encodeURIComponent(signature)}`,
  };
}

type Damage = (request: RawRequest) => RawRequest;

const header =
  (name: string, change: (value: string) => string): Damage =>
  (request) => {
    if (!request.headers.some(([known]) => known === name)) throw new Error(`No header ${name} to damage`);
    return {
      ...request,
      headers: request.headers.map(
        ([known, value]) => [known, known === name ? change(value) : value] as const,
      ),
    };
  };
const rename =
  (name: string, other: string): Damage =>
  (request) => ({
    ...request,
    headers: request.headers.map(([known, value]) => [known === name ? other : known, value] as const),
  });
const add =
  (name: string, value: string): Damage =>
  (request) => ({ ...request, headers: [...request.headers, [name, value]] });
const body =
  (from: string, to: string): Damage =>
  (request) => {
    const changed = String(request.body).replace(from, to);
    if (changed === request.body) throw new Error(`No "${from}" to damage`);
    return { ...request, body: changed };
  };
const authorization = (from: string | RegExp, to: string) =>
  header("Authorization", (value) => {
    const changed = value.replace(from, to);
    if (changed === value) throw new Error(`No ${String(from)} to damage`);
    return changed;
  });
const target =
  (value: string): Damage =>
  (request) => ({ ...request, target: value });
const method =
  (value: string): Damage =>
  (request) => ({ ...request, method: value });

const SIGNATURE_FAILURE = "AuthFailure.SignatureFailure";
const INVALID_AUTHORIZATION = "AuthFailure.InvalidAuthorization";

const POST_DAMAGES: [what: string, damage: Damage, code: string][] = [
  ["the method is GET", method("GET"), SIGNATURE_FAILURE],
  ["the method is PUT", method("PUT"), "UnsupportedProtocol"],
  ["the method is PATCH", method("PATCH"), "UnsupportedProtocol"],
  ["the path has a byte more", target("/x"), SIGNATURE_FAILURE],
  ["the path has a second slash", target("//"), SIGNATURE_FAILURE],
  ["a query is added", target("/?a"), SIGNATURE_FAILURE],
  [
    "the content type has a byte changed",
    header("Content-Type", () => "application/jsom"),
    SIGNATURE_FAILURE,
  ],
  [
    "the content type gets a charset",
    header("Content-Type", (type) => `${type};charset=utf-8`),
    SIGNATURE_FAILURE,
  ],
  ["the content type's name is changed", rename("Content-Type", "Content-Typf"), SIGNATURE_FAILURE],
  ["a second content type is added", add("Content-Type", "application/json"), SIGNATURE_FAILURE],
  ["the host has a byte changed", header("Host", (host) => host.replace("1", "2")), SIGNATURE_FAILURE],
  ["the port has a byte more", header("Host", (host) => `${host}0`), SIGNATURE_FAILURE],
  ["the host's name is changed", rename("Host", "Hosu"), SIGNATURE_FAILURE],
  ["the signed action has a byte changed", header("X-TC-Action", () => "TetMfaFlag"), SIGNATURE_FAILURE],
  ["the signed action is another", header("X-TC-Action", () => "ListUsers"), SIGNATURE_FAILURE],
  ["the action differs in case only", header("X-TC-Action", () => "SetMFAFlag"), "InvalidAction"],
  ["the action's name is changed", rename("X-TC-Action", "X-TC-Actiom"), "MissingParameter"],
  ["a signed language has a byte changed", header("X-TC-Language", () => "en-UT"), SIGNATURE_FAILURE],
  ["a signed header is gone", rename("X-TC-Language", "X-TC-Languagf"), SIGNATURE_FAILURE],
  ["the signed version has a byte changed", header("X-TC-Version", () => "2019-01-17"), SIGNATURE_FAILURE],
  ["the version's name is changed", rename("X-TC-Version", "X-TC-Versiom"), "MissingParameter"],
  [
    "the timestamp's last digit is changed",
    header("X-TC-Timestamp", () => String(SIGNED_AT + 1)),
    SIGNATURE_FAILURE,
  ],
  ["the timestamp has a leading zero", header("X-TC-Timestamp", (text) => `0${text}`), SIGNATURE_FAILURE],
  [
    "the timestamp's first digit is changed",
    header("X-TC-Timestamp", (text) => text.replace("1", "2")),
    "AuthFailure.SignatureExpire",
  ],
  [
    "the timestamp has a letter",
    header("X-TC-Timestamp", (text) => text.replace("1", "l")),
    "InvalidParameterValue",
  ],
  ["the timestamp's name is changed", rename("X-TC-Timestamp", "X-TC-Timestamq"), "MissingParameter"],
  ["the body's first byte is changed", body("{", "["), SIGNATURE_FAILURE],
  ["the body's last byte is changed", body("1}}", "1}]"), SIGNATURE_FAILURE],
  ["a digit of the Uin is changed", body("100021969091", "100021969093"), SIGNATURE_FAILURE],
  ["a flag is changed", body('"Phone":0', '"Phone":1'), SIGNATURE_FAILURE],
  ["a parameter name is changed", body("LoginFlag", "LoginFlah"), SIGNATURE_FAILURE],
  ["the body has a newline more", body("1}}", "1}}\n"), SIGNATURE_FAILURE],
  ["the body has a space more inside", body(",", ", "), SIGNATURE_FAILURE],
  ["the body is a byte short", body("1}}", "1}"), SIGNATURE_FAILURE],
  ["the payload is said to be unsigned", add("X-TC-Content-SHA256", "UNSIGNED-PAYLOAD"), SIGNATURE_FAILURE],
  ["a token is added to a permanent key", add("X-TC-Token", "x"), "AuthFailure.TokenFailure"],
  ["the authorization's name is changed", rename("Authorization", "Authorizatiom"), INVALID_AUTHORIZATION],
  ["the authorization is SKIP", header("Authorization", () => "SKIP"), INVALID_AUTHORIZATION],
  [
    "the algorithm has a byte changed",
    authorization("TC3-HMAC-SHA256", "TC3-HMAC-SHA257"),
    INVALID_AUTHORIZATION,
  ],
  [
    "the word Credential has a byte changed",
    authorization("Credential", "Credentiam"),
    INVALID_AUTHORIZATION,
  ],
  ["the key id is of no known kind", authorization("=AKID", "=BKID"), "AuthFailure.InvalidSecretId"],
  [
    "the key id's last byte is changed",
    authorization("EXAMPLE/", "EXAMPLF/"),
    "AuthFailure.SecretIdNotFound",
  ],
  ["the key id has a byte more", authorization("EXAMPLE/", "EXAMPLE1/"), "AuthFailure.SecretIdNotFound"],
  ["the scope's day is changed", authorization("/2026-11-24/", "/2026-11-25/"), SIGNATURE_FAILURE],
  ["the scope's month is changed", authorization("/2026-11-24/", "/2026-12-24/"), SIGNATURE_FAILURE],
  ["the scope has an invalid date", authorization("/2026-11-24/", "/2026-11-2a/"), INVALID_AUTHORIZATION],
  ["the scope's service has a byte changed", authorization("/cam/", "/can/"), SIGNATURE_FAILURE],
  ["the scope's service is another product", authorization("/cam/", "/sts/"), SIGNATURE_FAILURE],
  ["the scope's end has a byte changed", authorization("tc3_request", "tc3_requesu"), INVALID_AUTHORIZATION],
  [
    "the word SignedHeaders has a byte changed",
    authorization("SignedHeaders", "SignedHeadert"),
    INVALID_AUTHORIZATION,
  ],
  [
    "the list leaves out content-type",
    authorization("=content-type", "=content-typf"),
    INVALID_AUTHORIZATION,
  ],
  ["the list leaves out host", authorization(";host", ";hosu"), INVALID_AUTHORIZATION],
  ["the list has an upper-case letter", authorization(";host", ";Host"), INVALID_AUTHORIZATION],
  [
    "the list names a header that is not there",
    authorization("x-tc-action", "x-tc-actiom"),
    SIGNATURE_FAILURE,
  ],
  ["the list leaves out a header that was signed", authorization("x-tc-action;", ""), SIGNATURE_FAILURE],
  ["the list has another separator", authorization(";host", ":host"), INVALID_AUTHORIZATION],
  [
    "the list is not in order",
    authorization("content-type;host", "host;content-type"),
    INVALID_AUTHORIZATION,
  ],
  ["the list names a header twice", authorization(";host", ";host;host"), INVALID_AUTHORIZATION],
  ["a comma is gone", authorization(", Signature", " Signature"), INVALID_AUTHORIZATION],
  [
    "the signature's first digit is changed",
    authorization(/Signature=./, "Signature=g"),
    INVALID_AUTHORIZATION,
  ],
  [
    "the signature is all zeros",
    authorization(/Signature=.*/, `Signature=${"0".repeat(64)}`),
    SIGNATURE_FAILURE,
  ],
  ["the signature is a digit short", authorization(/.$/, ""), INVALID_AUTHORIZATION],
  ["the signature is a digit long", authorization(/$/, "0"), INVALID_AUTHORIZATION],
  [
    "the signature is in upper case",
    authorization(/Signature=(.*)/, `Signature=${"A".repeat(64)}`),
    INVALID_AUTHORIZATION,
  ],
];

const GET_DAMAGES: [what: string, damage: Damage, code: string][] = [
  ["the method is POST", method("POST"), SIGNATURE_FAILURE],
  ["a value has a byte changed", target("/?LoginFlag.Wechat=0&OpUin=100021969091"), SIGNATURE_FAILURE],
  ["the order is changed", target("/?OpUin=100021969091&LoginFlag.Wechat=1"), SIGNATURE_FAILURE],
  ["a byte is percent-encoded", target("/?LoginFlag%2EWechat=1&OpUin=100021969091"), SIGNATURE_FAILURE],
  ["a parameter is added", target("/?LoginFlag.Wechat=1&OpUin=100021969091&a=1"), SIGNATURE_FAILURE],
  ["an ampersand is added", target("/?LoginFlag.Wechat=1&OpUin=100021969091&"), SIGNATURE_FAILURE],
  ["the query is gone", target("/"), SIGNATURE_FAILURE],
  ["a body is added", (request) => ({ ...request, body: "x" }), SIGNATURE_FAILURE],
  ["the path is changed", target("/.?LoginFlag.Wechat=1&OpUin=100021969091"), SIGNATURE_FAILURE],
];

const FORM_DAMAGES: [what: string, damage: Damage, code: string][] = [
  ["the method is GET", method("GET"), "MissingParameter"],
  ["the path has a byte more", target("/x"), SIGNATURE_FAILURE],
  ["a parameter is added to the query", target("/?a=1"), SIGNATURE_FAILURE],
  ["a parameter is added to the form", body("Action", "a=1&Action"), SIGNATURE_FAILURE],
  ["a parameter occurs twice", target("/?Nonce=11886"), "InvalidParameter"],
  ["the host has a byte changed", header("Host", (host) => host.replace("1", "2")), SIGNATURE_FAILURE],
  ["the action has a byte changed", body("SetMfaFlag", "TetMfaFlag"), SIGNATURE_FAILURE],
  ["the action is gone", body("Action=", "Actiom="), "MissingParameter"],
  ["a value has a byte changed", body("LoginFlag.Wechat=1", "LoginFlag.Wechat=0"), SIGNATURE_FAILURE],
  ["a name has a byte changed", body("LoginFlag.Wechat", "LoginFlag.Wechau"), SIGNATURE_FAILURE],
  ["the nonce has a byte changed", body("11886", "11887"), SIGNATURE_FAILURE],
  ["the nonce is gone", body("Nonce", "Noncf"), "MissingParameter"],
  ["the nonce is not a number", body("11886", "1188x"), "InvalidParameterValue"],
  ["the key id's last byte is changed", body("EXAMPLE", "EXAMPLF"), "AuthFailure.SecretIdNotFound"],
  ["the signature method is the other", body("HmacSHA256", "HmacSHA1"), SIGNATURE_FAILURE],
  ["the signature method is unknown", body("HmacSHA256", "HmacSHA257"), "InvalidParameterValue"],
  [
    "the timestamp's last digit is changed",
    body(String(SIGNED_AT), String(SIGNED_AT + 1)),
    SIGNATURE_FAILURE,
  ],
  ["the timestamp's first digit is changed", body("=179", "=279"), "AuthFailure.SignatureExpire"],
  ["the version has a byte changed", body("2019-01-16", "2019-01-17"), SIGNATURE_FAILURE],
  ["the signature is another", body("Signature=", "Signature=A"), SIGNATURE_FAILURE],
  ["the signature is gone", body("&Signature=", "&Signaturf="), "MissingParameter"],
  ["the percent-encoding is broken", body("Nonce=11886", "Nonce=%1"), "InvalidParameter"],
];

async function startAtSigningTime(): Promise<CamEmulator> {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true, atMs: SIGNED_AT * 1000 });
  return emulator;
}

async function codeOf(emulator: CamEmulator, request: RawRequest): Promise<string> {
  return responseOf(await sendRaw(emulator.url, request)).Error?.Code ?? "Success";
}

const GENUINE = { "TC3 POST": genuinePost, "TC3 GET": genuineGet, "v1 form": genuineForm };

test.each(Object.entries(GENUINE))("the undamaged %s is accepted", async (_name, make) => {
  const emulator = await startAtSigningTime();
  expect(await codeOf(emulator, make(emulator))).toBe("Success");
  expect(emulator.control.user("100021969091")?.loginFlag).toMatchObject({ Wechat: 1, Stoken: 0 });
});

test.each([
  ...POST_DAMAGES.map(([what, damage, code]) => ["TC3 POST", what, code, damage] as const),
  ...GET_DAMAGES.map(([what, damage, code]) => ["TC3 GET", what, code, damage] as const),
  ...FORM_DAMAGES.map(([what, damage, code]) => ["v1 form", what, code, damage] as const),
])("a %s is refused when %s: %s", async (kind, _what, code, damage) => {
  const emulator = await startAtSigningTime();
  const before = emulator.control.users();
  expect(await codeOf(emulator, damage(GENUINE[kind](emulator)))).toBe(code);
  expect(emulator.control.users()).toEqual(before);
  expect(emulator.control.journal()).toMatchObject([{ outcome: code, applied: false }]);
});

test("a request with one changed byte in its authorization or body is refused", async () => {
  const emulator = await startAtSigningTime();
  const genuine = genuinePost(emulator);
  const flip = (text: string, at: number) =>
    text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
  const authorizationText = genuine.headers.find(([name]) => name === "Authorization")?.[1] ?? "";
  const damaged = [
    ...Array.from(BODY, (_, at) => ({ ...genuine, body: flip(BODY, at) })),
    ...Array.from(authorizationText, (_, at) => header("Authorization", (text) => flip(text, at))(genuine)),
  ];
  const before = emulator.control.users();
  const codes = await Promise.all(damaged.map((request) => codeOf(emulator, request)));
  expect(codes).not.toContain("Success");
  expect(codes.length).toBeGreaterThan(250);
  expect(emulator.control.users()).toEqual(before);
}, 60_000);
