import { describe, expect, test } from "vitest";
import {
  CAM_ERROR_CATALOGUE,
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
  CAM_ERROR_CODE_DESCRIPTIONS,
  type CamErrorCode,
  describeCamError,
  isCamErrorCode,
} from "../../src/contract/index.ts";

const codes = CAM_ERROR_CATALOGUE.map(({ code }) => code);

describe("the catalogue", () => {
  test("has each code once", () => {
    expect(new Set(codes).size).toBe(codes.length);
  });

  test("maps each code of CAM to one code only", () => {
    const claimed = CAM_ERROR_CATALOGUE.flatMap(({ camCodes }) => camCodes);
    expect(claimed.filter((camCode, at) => claimed.indexOf(camCode) !== at)).toEqual([]);
  });

  test("lists no sub-code that its row already covers", () => {
    for (const { camCodes } of CAM_ERROR_CATALOGUE) {
      const covered = camCodes.filter((camCode) => camCodes.some((other) => camCode.startsWith(`${other}.`)));
      expect(covered).toEqual([]);
    }
  });

  test("uses every category", () => {
    const used = new Set(CAM_ERROR_CATALOGUE.map(({ category }) => category));
    expect(used).toEqual(new Set(Object.keys(CAM_ERROR_CATEGORY_DESCRIPTIONS)));
  });

  test("makes throttled codes retryable, and no code that needs an action of a person", () => {
    for (const { code, category, retryable } of CAM_ERROR_CATALOGUE) {
      if (category === "THROTTLED") expect(retryable, code).toBe(true);
      if (["PRECONDITION", "FORBIDDEN", "MISCONFIGURED", "INPUT"].includes(category)) {
        expect(retryable, code).toBe(false);
      }
    }
  });

  test("makes OUTCOME_UNKNOWN not retryable", () => {
    expect(describeCamError("OUTCOME_UNKNOWN").retryable).toBe(false);
  });
});

describe.each(CAM_ERROR_CATALOGUE)("the texts of $code", ({ code, message, remedy }) => {
  test("are plain sentences", () => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    for (const text of [message, remedy]) {
      expect(text).toMatch(/^[A-Z][ -~]*[a-zA-Z]\.$/);
      expect(text).not.toMatch(/ {2}|\*\/|[|`"\\]/); // Tables, comments and JSON contain these texts too.
    }
    expect(message.slice(0, -1)).not.toContain(". ");
  });

  test("use no terms of CAM's API", () => {
    const jargon =
      /\b(CAM|Uin|OpUin|SubUin|MFA|Stoken|STS|TC3|SecretId|SecretKey|RequestId|HTTP|JSON|null|undefined)\b/i;
    expect(message).not.toMatch(jargon);
    expect(message).not.toMatch(/[a-z][A-Z](?!hat)/); // Names of fields have this form. WeChat is permitted.
    expect(remedy.replaceAll(/\bcam\.(code|action|requestId)\b/g, "")).not.toMatch(jargon);
  });
});

describe("looking up a code", () => {
  test("returns its row", () => {
    for (const info of CAM_ERROR_CATALOGUE) expect(describeCamError(info.code)).toBe(info);
  });

  test("throws for an unknown code", () => {
    expect(() => describeCamError("toString" as CamErrorCode)).toThrow(TypeError);
  });

  test.each(["", "toString", "__proto__", "internal", null, undefined, 7, ["INTERNAL"]])(
    "%j is not a code",
    (value) => {
      expect(isCamErrorCode(value)).toBe(false);
    },
  );
});

test("every code has a description for the schema", () => {
  expect(Object.keys(CAM_ERROR_CODE_DESCRIPTIONS)).toEqual(codes);
  expect(CAM_ERROR_CODE_DESCRIPTIONS.CAM_RATE_LIMITED).toBe(
    "Tencent Cloud is receiving too many requests at the moment. " +
      "Wait for retryAfterMs, then send the request again. " +
      "(Category THROTTLED; retryable; from RequestLimitExceeded.)",
  );
});
