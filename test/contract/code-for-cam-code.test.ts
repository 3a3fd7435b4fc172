import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CAM_ERROR_CATALOGUE, codeForCamCode, isCamErrorCode } from "../../src/contract/index.ts";
import { expectedCodes } from "./cam-codes.ts";

describe("a code of CAM", () => {
  test.each(expectedCodes)("%s becomes %s", (camCode, code) => {
    expect(codeForCamCode(camCode)).toBe(code);
  });

  test("the table has every code of the catalogue that CAM can cause", () => {
    const caused = CAM_ERROR_CATALOGUE.filter(({ camCodes }) => camCodes.length > 0).map(({ code }) => code);
    expect(new Set(expectedCodes.map(([, code]) => code))).toEqual(new Set(caused));
  });

  test.each([
    ["UnauthorizedOperation.CamNoAuth", "CAM_PERMISSION_DENIED"],
    ["InvalidParameterValue.SomethingNew", "CAM_INVALID_PARAMETER"],
    ["AuthFailure.UnauthorizedOperation.SomethingNew", "CAM_PERMISSION_DENIED"],
    ["AuthFailure.SomethingNew.Deeper", "CAM_CREDENTIALS_REJECTED"],
    ["FailedOperation.UserNotBindPhone.SomethingNew", "USER_NOT_BIND_PHONE"],
    ["FailedOperation.UserNotBindFax", "CAM_FAILED_OPERATION"],
    ["InternalError.", "CAM_UNAVAILABLE"],
  ])("the undocumented %s becomes the code of its longest known prefix: %s", (camCode, code) => {
    expect(codeForCamCode(camCode)).toBe(code);
  });

  test.each([
    "",
    ".",
    "...",
    ".InternalError",
    "internalerror",
    "InternalErrors",
    " InternalError",
    "Brand.New",
    "__proto__",
    "constructor",
    "toString.call",
    "hasOwnProperty",
    "USER_NOT_BIND_PHONE",
    "The SecretId is not found, please ensure that your SecretId is correct.",
  ])("%j is not recognised", (camCode) => {
    expect(codeForCamCode(camCode)).toBe("CAM_UNKNOWN_ERROR");
  });

  test("an unknown sub-code has the code of its parent, whatever its text", () => {
    const known = fc.constantFrom(...CAM_ERROR_CATALOGUE.flatMap(({ camCodes }) => camCodes));
    fc.assert(
      fc.property(known, fc.string(), (camCode, tail) => {
        fc.pre(!expectedCodes.some(([other]) => `${camCode}.${tail}`.startsWith(other) && other !== camCode));
        expect(codeForCamCode(`${camCode}.${tail}`)).toBe(codeForCamCode(camCode));
      }),
    );
  });

  test("any string becomes a code", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (camCode) => isCamErrorCode(codeForCamCode(camCode))),
    );
  });

  test("a string of 20 MB takes no longer than a short one", () => {
    const dots = ".".repeat(20_000_000);
    const known = `InternalError${dots}`;
    const started = performance.now();
    for (let round = 0; round < 1_000; round += 1) {
      expect(codeForCamCode(dots)).toBe("CAM_UNKNOWN_ERROR");
      expect(codeForCamCode(known)).toBe("CAM_UNAVAILABLE");
    }
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
