import { describe, expect, test } from "vitest";
import { webIdentityToken } from "../support/web-identity-token.ts";
import { type CallOptions, type CamResponse, callCam, codeOf, responseOf, signedPost } from "./call-cam.ts";
import { sendRaw } from "./send-raw.ts";
import { type RecordedEmulator, startEmulator } from "./start-emulator.ts";

const STS: CallOptions = { version: "2018-08-13", service: "sts" };
const ARN = "qcs::cam::uin/100000000001:roleName/mfa-gateway";
const ROLE = { RoleArn: ARN, RoleSessionName: "gateway-1" };
const NOON = Date.UTC(2026, 5, 1, 12);

/** Returns the signing key from a reply. */
function withKeyOf({ Credentials }: CamResponse): CallOptions {
  const { TmpSecretId, TmpSecretKey, Token } = Credentials as Record<string, string>;
  if (!TmpSecretId || !TmpSecretKey || !Token) throw new Error("no key was given");
  return { secretId: TmpSecretId, secretKey: TmpSecretKey, extraHeaders: [["X-TC-Token", Token]] };
}

async function unsigned(emulator: RecordedEmulator, action: string, parameters: object, options = STS) {
  const request = signedPost(emulator, action, parameters, options);
  const headers = request.headers.map(([name, value]) =>
    name === "Authorization" ? ([name, "SKIP"] as const) : ([name, value] as const),
  );
  return responseOf(await sendRaw(emulator.url, { ...request, headers }));
}

describe("AssumeRole", () => {
  test.each([ARN, "qcs::cam::uin/100000000001:role/4611686018427397919"])(
    "gives a key that works for two hours by the emulator's clock, for %s",
    async (RoleArn) => {
      const emulator = await startEmulator();
      emulator.control.setClock({ frozen: true, atMs: NOON });
      const assumed = await callCam(emulator, "AssumeRole", { ...ROLE, RoleArn }, STS);
      expect(assumed).toMatchObject({ ExpiredTime: NOON / 1000 + 7_200, Expiration: "2026-06-01T14:00:00Z" });
      const key = withKeyOf(assumed);
      expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("Success");
      emulator.control.setClock({ advanceMs: 7_200_000 });
      expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("AuthFailure.TokenFailure");
    },
  );

  test("returns another key each time, and GetCallerIdentity reports its role", async () => {
    const emulator = await startEmulator();
    const first = withKeyOf(await callCam(emulator, "AssumeRole", ROLE, STS));
    const second = withKeyOf(await callCam(emulator, "AssumeRole", ROLE, STS));
    expect(second.secretId).not.toBe(first.secretId);
    expect(await callCam(emulator, "GetCallerIdentity", {}, { ...STS, ...first })).toMatchObject({
      Type: "CAMRole",
      UserId: "4611686018427397919:gateway-1",
      // The user that assumed the role.
      PrincipalId: "100021969090",
    });
  });

  test.each([
    [{ RoleArn: ARN }, "MissingParameter"],
    [{ ...ROLE, RoleSessionName: "x" }, "InvalidParameter.ParamError"],
    [{ ...ROLE, RoleSessionName: "with space" }, "InvalidParameter.ParamError"],
    [{ ...ROLE, DurationSeconds: 0 }, "InvalidParameter.ParamError"],
    [{ ...ROLE, DurationSeconds: 43_201 }, "InvalidParameter.OverTimeError"],
    [{ ...ROLE, DurationSeconds: "60" }, "InvalidParameter"],
    [{ ...ROLE, DurationSeconds: 43_200 }, "Success"],
    [{ ...ROLE, RoleArn: "qcs::cam::uin/100000000001:roleName/nobody" }, "ResourceNotFound.RoleNotFound"],
    [
      { ...ROLE, RoleArn: "qcs::cam::uin/100000000002:roleName/mfa-gateway" },
      "ResourceNotFound.RoleNotFound",
    ],
    [{ ...ROLE, RoleArn: "qcs::cam::uin/100000000001:roleName/trusts-nobody" }, "UnauthorizedOperation"],
    [{ ...ROLE, RoleArn: `${ARN}-of-partner`, DurationSeconds: 60 }, "UnauthorizedOperation"],
    [
      { ...ROLE, RoleArn: `${ARN}-of-partner`, DurationSeconds: 60, ExternalId: "another" },
      "UnauthorizedOperation",
    ],
    [
      { ...ROLE, RoleArn: `${ARN}-of-partner`, DurationSeconds: 60, ExternalId: "LocalExampleExternalId" },
      "Success",
    ],
    [
      { ...ROLE, RoleArn: `${ARN}-of-partner`, ExternalId: "LocalExampleExternalId" },
      "InvalidParameter.OverTimeError",
    ],
    [{ ...ROLE, SerialNumber: "1" }, "UnknownParameter"],
  ])("answers %o with %s", async (parameters, code) => {
    const emulator = await startEmulator();
    expect(await codeOf(emulator, "AssumeRole", parameters, STS)).toBe(code);
  });

  test("a key without its token or with another key's token is refused", async () => {
    const emulator = await startEmulator();
    const key = withKeyOf(await callCam(emulator, "AssumeRole", ROLE, STS));
    const other = withKeyOf(await callCam(emulator, "AssumeRole", ROLE, STS));
    for (const extraHeaders of [[], other.extraHeaders ?? []]) {
      expect(await codeOf(emulator, "ListUsers", {}, { ...key, extraHeaders })).toBe(
        "AuthFailure.TokenFailure",
      );
    }
  });
});

describe("AssumeRoleWithWebIdentity", () => {
  const token = (claims: object = {}) => webIdentityToken({ exp: NOON / 1000 + 600, ...claims });
  const IDENTITY = { ...ROLE, ProviderId: "cls-example" };

  async function answerTo(parameters: object) {
    const emulator = await startEmulator();
    emulator.control.setClock({ frozen: true, atMs: NOON });
    return { emulator, response: await unsigned(emulator, "AssumeRoleWithWebIdentity", parameters) };
  }

  test("returns a key to a caller without a key", async () => {
    const { emulator, response } = await answerTo({ ...IDENTITY, WebIdentityToken: token() });
    expect(await codeOf(emulator, "ListUsers", {}, withKeyOf(response))).toBe("Success");
    expect(emulator.control.journal()[0]).toMatchObject({ scheme: "SKIP", keyId: null, outcome: "Success" });
  });

  test.each([
    ["a token that ends now", { WebIdentityToken: token({ exp: NOON / 1000 }) }],
    ["a token without a subject", { WebIdentityToken: token({ sub: undefined }) }],
    ["a text that is not a token", { WebIdentityToken: "abc" }],
    ["a token with an invalid character", { WebIdentityToken: "a.b.c!" }],
    ["claims that are not JSON", { WebIdentityToken: `${token().split(".")[0]}.AAAA.BBBB` }],
    ["a token signed with a shared secret", { WebIdentityToken: `eyJhbGciOiJIUzI1NiJ9.e30.AAAA` }],
  ])("refuses %s", async (_what, parameters) => {
    const { response } = await answerTo({ ...IDENTITY, ...parameters });
    expect(response.Error?.Code).toBe("InvalidParameter.WebIdentityTokenError");
  });

  test("refuses a provider that the role does not trust", async () => {
    const { response } = await answerTo({ ...IDENTITY, WebIdentityToken: token(), ProviderId: "cls-other" });
    expect(response.Error?.Code).toBe("UnauthorizedOperation");
  });

  test.each(["ListUsers", "SetMfaFlag"])("no other action may be unsigned: %s", async (action) => {
    const emulator = await startEmulator();
    const response = await unsigned(emulator, action, {}, {});
    expect(response.Error?.Code).toBe("AuthFailure.InvalidAuthorization");
    expect(emulator.control.counters()[action]).toMatchObject({ accepted: 0 });
  });
});
