import { GraphQLError } from "graphql";
import { describe, expect, test } from "vitest";
import { type CamFailure, CamGatewayError, camErrorOf, isCamError } from "../../src/client/index.ts";
import { createCamErrorExtensions } from "../../src/contract/index.ts";

const phone = createCamErrorExtensions("USER_NOT_BIND_PHONE", { requestId: "r-1", opUin: "100021969092" });
const busy = createCamErrorExtensions("QUOTA_EXHAUSTED", { requestId: "r-2", retryAfterMs: 250 });
const foreign = { message: "Not ours.", extensions: { code: "BAD_USER_INPUT" } };
const entry = (extensions: object) => ({ message: "It failed.", path: ["setSubUserMfa"], extensions });

const failure: CamFailure = {
  __typename: "CamFailure",
  code: "USER_NOT_EXIST",
  category: "NOT_FOUND",
  message: "Tencent Cloud has no such user.",
  retryable: false,
  retryAfterMs: null,
  camCode: "ResourceNotFound.UserNotExist",
  camAction: "SetMfaFlag",
  camRequestId: "c-1",
  changeId: "ch-1",
  expiresAt: null,
  requestId: "r-3",
};
const failureAsExtensions = createCamErrorExtensions("USER_NOT_EXIST", {
  requestId: "r-3",
  changeId: "ch-1",
  cam: { code: "ResourceNotFound.UserNotExist", action: "SetMfaFlag", requestId: "c-1" },
});

describe("camErrorOf finds the business error", () => {
  test.each<[where: string, value: unknown, found: object]>([
    ["in an entry of errors", entry(phone), phone],
    ["in a result", { data: null, errors: [foreign, entry(phone), entry(busy)] }, phone],
    ["in a GraphQLError", new GraphQLError("It failed.", { extensions: { ...phone } }), phone],
    ["in a CamGatewayError", new CamGatewayError("It failed.", phone), phone],
    ["with keys that a router adds", entry({ ...phone, serviceName: "mfa" }), phone],
    ["in an error that Cosmo wraps", { errors: [entry({ errors: [entry(busy)], statusCode: 200 })] }, busy],
    ["as data under any alias", { data: { switched: failure } }, failureAsExtensions],
    [
      "as data without its __typename",
      { data: { a: { ...failure, __typename: undefined } } },
      failureAsExtensions,
    ],
    ["as the data itself", failure, failureAsExtensions],
    [
      "with the end of the time for approval",
      { ...failure, code: "APPROVAL_REQUIRED", expiresAt: "2026-03-01T09:30:00.000Z" },
      { code: "APPROVAL_REQUIRED", changeId: "ch-1", expiresAt: "2026-03-01T09:30:00.000Z" },
    ],
  ])("%s", (_where, value, found) => {
    expect(camErrorOf(value)).toMatchObject(found);
    expect(isCamError(value)).toBe(true);
  });

  test("with the requested code", () => {
    const result = { errors: [entry(phone), entry(busy)] };
    expect(camErrorOf(result, "QUOTA_EXHAUSTED")?.retryAfterMs).toBe(250);
    expect(camErrorOf(result, "USER_NOT_EXIST")).toBeUndefined();
    expect(isCamError(result, "QUOTA_EXHAUSTED")).toBe(true);
    expect(isCamError(entry(phone), "QUOTA_EXHAUSTED")).toBe(false);
  });

  test("with only its code left, and adds the facts of the catalogue", () => {
    const stripped = entry({ code: "CAM_RATE_LIMITED" });
    expect(camErrorOf({ errors: [entry({ errors: [stripped] })] })).toEqual({
      code: "CAM_RATE_LIMITED",
      category: "THROTTLED",
      retryable: true,
      retryAfterMs: 1_000,
      requestId: "",
    });
    // The narrowed type promises more than this value has.
    expect(isCamError(stripped)).toBe(false);
  });
});

describe("camErrorOf finds nothing", () => {
  test.each<[where: string, value: unknown]>([
    ["in undefined", undefined],
    ["in null", null],
    ["in a string", "USER_NOT_BIND_PHONE"],
    ["in a plain Error", new Error("USER_NOT_BIND_PHONE")],
    ["in errors of GraphQL", { errors: [foreign] }],
    ["in a lone code that other services use too", entry({ code: "UNAUTHENTICATED" })],
    [
      "in a change that took effect",
      { data: { setSubUserMfa: { __typename: "SetSubUserMfaPayload", requestId: "r" } } },
    ],
    [
      "in the record of a refused change",
      { data: { mfaChange: { code: "USER_NOT_EXIST", gatewayRequestId: "r" } } },
    ],
    ["in the catalogue", { data: { camErrors: [{ code: "USER_NOT_EXIST" }] } }],
  ])("%s", (_where, value) => {
    expect(camErrorOf(value)).toBeUndefined();
    expect(isCamError(value)).toBe(false);
  });

  test("in a cyclic value", () => {
    const circle: { error?: unknown } = {};
    circle.error = circle;
    expect(camErrorOf(circle)).toBeUndefined();
  });
});
