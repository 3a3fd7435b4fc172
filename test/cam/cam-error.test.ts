import { expect, test } from "vitest";
import { CamError, type CamErrorKind, mayHaveBeenApplied } from "../../src/cam/errors/cam-error.ts";

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
  ["REFUSED", "UnheardOf", false],
];

test.each(cases)("a write that ended as %s %s may have been applied: %s", (kind, camCode, expected) => {
  const error = new CamError({ kind, action: "SetMfaFlag", attempts: 1, ...(camCode && { camCode }) });
  expect(mayHaveBeenApplied(error)).toBe(expected);
});

test("the message says what and where, and nothing that CAM wrote", () => {
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
