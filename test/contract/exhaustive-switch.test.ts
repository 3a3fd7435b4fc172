import { describe, expect, expectTypeOf, test } from "vitest";
import {
  CAM_ERROR_CATALOGUE,
  type CamErrorCategory,
  type CamErrorCode,
  type CamErrorExtensions,
  createCamErrorExtensions,
} from "../../src/contract/index.ts";

/** A switch as a portal writes it. It does not compile if a code has no case, or a case has no code. */
function whoCanHelp(error: CamErrorExtensions): "caller" | "operator" | "vendor" | number {
  switch (error.code) {
    case "USER_NOT_BIND_PHONE":
    case "USER_NOT_BIND_WECHAT":
    case "USER_NOT_EXIST":
    case "CAM_INVALID_PARAMETER":
    case "CAM_LIMIT_EXCEEDED":
    case "CAM_REQUEST_SIZE_LIMIT_EXCEEDED":
    case "CAM_RESOURCE_NOT_FOUND":
    case "CAM_RESPONSE_SIZE_LIMIT_EXCEEDED":
    case "CAM_UNSUPPORTED_OPERATION":
    case "APPROVAL_EXPIRED":
    case "APPROVAL_NOT_AWAITED":
    case "APPROVAL_REJECTED":
    case "APPROVAL_REQUIRED":
    case "CHANGE_IN_PROGRESS":
    case "CHANGE_NOT_APPLIED":
    case "CHANGE_NOT_FOUND":
    case "FORBIDDEN":
    case "IDEMPOTENCY_KEY_REUSED":
    case "MFA_METHOD_NOT_WRITABLE":
    case "NOTHING_TO_CHANGE":
    case "OUTCOME_UNKNOWN":
    case "PLAN_CHANGED":
    case "PROTECTED_USER":
    case "ROLLOUT_NOT_FOUND":
    case "ROLLOUT_SELECTION":
    case "ROLLOUT_STATUS":
    case "UNKNOWN_ACCOUNT":
    case "REASON_REQUIRED":
    case "UNAUTHENTICATED":
    case "USERS_IN_OTHER_ROLLOUT":
      return "caller";
    case "USER_UNBIND_NO_PERMISSION":
    case "MFA_TOKEN_ERROR":
    case "CALLER_PAUSED":
    case "CAM_ACTION_OFFLINE":
    case "CAM_CLOCK_SKEW":
    case "CAM_CREDENTIALS_REJECTED":
    case "CAM_CREDENTIALS_UNAVAILABLE":
    case "CAM_DRY_RUN_OPERATION":
    case "CAM_INVALID_ACTION":
    case "CAM_INVALID_REQUEST":
    case "CAM_IP_IN_BLACKLIST":
    case "CAM_IP_NOT_IN_WHITELIST":
    case "CAM_MFA_REQUIRED":
    case "CAM_NO_SUCH_PRODUCT":
    case "CAM_NO_SUCH_VERSION":
    case "CAM_PERMISSION_DENIED":
    case "CAM_UNREACHABLE":
    case "CAM_UNSUPPORTED_PROTOCOL":
    case "CAM_UNSUPPORTED_REGION":
    case "INTERNAL":
    case "ISSUER_UNAVAILABLE":
    case "STORE_UNAVAILABLE":
      return "operator";
    case "CAM_BAD_RESPONSE":
    case "CAM_CIRCUIT_OPEN":
    case "CAM_FAILED_OPERATION":
    case "CAM_RESOURCE_INSUFFICIENT":
    case "CAM_RESOURCE_IN_USE":
    case "CAM_RESOURCE_UNAVAILABLE":
    case "CAM_TIMEOUT":
    case "CAM_UNAVAILABLE":
    case "CAM_UNKNOWN_ERROR":
      return "vendor";
    case "CAM_RATE_LIMITED":
    case "CALLER_RATE_LIMITED":
    case "QUOTA_EXHAUSTED":
      return error.retryAfterMs;
    default: {
      const unreachable: never = error;
      return unreachable;
    }
  }
}

describe("the generated union", () => {
  test("permits a switch with a case for each code", () => {
    for (const { code, category } of CAM_ERROR_CATALOGUE) {
      const answer = whoCanHelp(createCamErrorExtensions(code, { requestId: "r", retryAfterMs: 250 }));
      expect(answer === 250).toBe(category === "THROTTLED");
    }
  });

  test("has exactly the codes and categories of the catalogue", () => {
    expectTypeOf<CamErrorExtensions["code"]>().toEqualTypeOf<CamErrorCode>();
    expectTypeOf<CamErrorExtensions["category"]>().toEqualTypeOf<CamErrorCategory>();
  });

  test("types category, retryable and retryAfterMs by the code", () => {
    type Phone = Extract<CamErrorExtensions, { code: "USER_NOT_BIND_PHONE" }>;
    expectTypeOf<Phone["category"]>().toEqualTypeOf<"PRECONDITION">();
    expectTypeOf<Phone["retryable"]>().toEqualTypeOf<false>();
    expectTypeOf<Phone["retryAfterMs"]>().toEqualTypeOf<number | undefined>();
    type Throttled = Extract<CamErrorExtensions, { category: "THROTTLED" }>;
    expectTypeOf<Throttled["code"]>().toEqualTypeOf<
      "CAM_RATE_LIMITED" | "QUOTA_EXHAUSTED" | "CALLER_RATE_LIMITED"
    >();
    expectTypeOf<Throttled["retryAfterMs"]>().toEqualTypeOf<number>();
  });
});
