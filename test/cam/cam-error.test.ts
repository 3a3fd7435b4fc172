import { expect, test } from "vitest";
import { CamError, type CamErrorKind, mayHaveBeenApplied } from "../../src/cam/cam-error.ts";
import { expectedCodes, PROVE_NOTHING } from "../contract/cam-codes.ts";

const cases: [CamErrorKind, string | undefined, boolean][] = [
  ["UNREACHABLE", undefined, false],
  ["NO_CREDENTIAL", undefined, false],
  ["TIMEOUT", undefined, true],
  ["CONNECTION_LOST", undefined, true],
  ["BAD_RESPONSE", undefined, true],
  ["ABORTED", undefined, true],
  ["REFUSED", "InternalError", true],
  ["REFUSED", "InternalError.SystemError", true],
  ["REFUSED", "ServiceUnavailable", true],
  ["REFUSED", "RequestLimitExceeded", false],
  ["REFUSED", "FailedOperation.UserNotBindPhone", false],
  ["REFUSED", "AuthFailure.SignatureFailure", false],
  ["REFUSED", "AuthFailure.SomethingNew", false],
  ["REFUSED", "UnauthorizedOperation.CamNoAuth", false],
  ["REFUSED", "RequestLimitExceeded.SomethingNew", false],
  ["REFUSED", "FailedOperation.UserUnbindNoPermission", false],
  ["REFUSED", "InvalidParameter.MFATokenError", false],
  ["REFUSED", "ResourceNotFound.UserNotExist", false],
  // A bare family, and codes of a family that CAM's pages do not list.
  ["REFUSED", "FailedOperation", true],
  ["REFUSED", "FailedOperation.SomethingNew", true],
  ["REFUSED", "InvalidParameterValue.SomethingNew", true],
  ["REFUSED", "ResourceNotFound.SomethingNew", true],
  ["REFUSED", "LimitExceeded.SomethingNew", true],
  // Codes that report an unusable resource, not a refusal.
  ["REFUSED", "ResourceInUse", true],
  ["REFUSED", "ResourceInsufficient", true],
  ["REFUSED", "ResourceUnavailable", true],
  ["REFUSED", "ResponseSizeLimitExceeded", true],
  ["REFUSED", "UnheardOf", true],
  ["REFUSED", "AuthFailures", true],
  ["REFUSED", "authfailure", true],
  ["REFUSED", "", true],
];

test("every code that CAM documents proves that the write was not applied, unless PROVE_NOTHING lists it", () => {
  const prove = expectedCodes.filter(([camCode]) => !PROVE_NOTHING.has(camCode));
  for (const [camCode] of prove)
    expect([camCode, mayHaveBeenApplied(refused(camCode))]).toEqual([camCode, false]);
  for (const camCode of PROVE_NOTHING)
    expect([camCode, mayHaveBeenApplied(refused(camCode))]).toEqual([camCode, true]);
});

function refused(camCode: string): CamError {
  return new CamError({ kind: "REFUSED", action: "SetMfaFlag", attempts: 1, camCode });
}

test.each(cases)("a write that ended as %s %s may have been applied: %s", (kind, camCode, expected) => {
  const error = new CamError({
    kind,
    action: "SetMfaFlag",
    attempts: 1,
    ...(camCode !== undefined && { camCode }),
  });
  expect(mayHaveBeenApplied(error)).toBe(expected);
});

test("the message names the action, kind and code, and contains no text of CAM", () => {
  const error = new CamError({
    kind: "REFUSED",
    action: "SetMfaFlag",
    attempts: 1,
    camCode: "InvalidParameter",
    camMessage: "the vendor's words",
  });
  expect(error.message).toBe("SetMfaFlag: REFUSED InvalidParameter");
  expect(error.camMessage).toBe("the vendor's words");
});
