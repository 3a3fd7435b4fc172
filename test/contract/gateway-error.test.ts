import { describe, expect, expectTypeOf, test } from "vitest";
import {
  describeCamError,
  GatewayError,
  type GatewayErrorCode,
  type GatewayErrorOptions,
  parseUin,
} from "../../src/contract/index.ts";

describe("a refusal of the gateway", () => {
  test("has the catalogue's message, and its text does not include the cause", () => {
    const error = new GatewayError("INTERNAL", { cause: new Error("column changes.outcome is missing") });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("GatewayError");
    expect(error.message).toBe(describeCamError("INTERNAL").message);
    expect(String(error)).not.toContain("column");
  });

  test("appends a hint to the message", () => {
    const error = new GatewayError("FORBIDDEN", { hint: "It needs the scope mfa:write." });
    expect(error.message).toBe("You do not have the permission for this. It needs the scope mfa:write.");
  });

  test("has the facts that the extensions need", () => {
    const cause = new Error("database is gone");
    const opUin = parseUin("100021969091");
    const error = new GatewayError("QUOTA_EXHAUSTED", { opUin, changeId: "c-1", retryAfterMs: 250, cause });
    expect(error).toMatchObject({
      code: "QUOTA_EXHAUSTED",
      opUin,
      changeId: "c-1",
      retryAfterMs: 250,
      cause,
    });
  });

  test("has no cause property without a cause", () => {
    expect("cause" in new GatewayError("FORBIDDEN")).toBe(false);
  });

  test("cannot have a code that only CAM returns", () => {
    expectTypeOf<"USER_NOT_EXIST">().not.toExtend<GatewayErrorCode>();
    expectTypeOf<"CAM_UNKNOWN_ERROR">().not.toExtend<GatewayErrorCode>();
    expectTypeOf<"CAM_TIMEOUT" | "OUTCOME_UNKNOWN" | "INTERNAL">().toExtend<GatewayErrorCode>();
    expectTypeOf<GatewayErrorOptions["opUin"]>().not.toEqualTypeOf<string | undefined>();
  });
});
