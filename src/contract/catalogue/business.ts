import type { CatalogueEntry } from "./entry.ts";

/**
 * The answers that SetMfaFlag documents as its own:
 * https://www.tencentcloud.com/document/product/598/36305
 */
export const businessErrors = [
  {
    code: "USER_NOT_BIND_PHONE",
    category: "PRECONDITION",
    retryable: false,
    message: "This user has no phone number bound, so protection by phone cannot be switched on.",
    remedy: "Bind a phone number to the user in the Tencent Cloud console first, or choose another method.",
    camCodes: ["FailedOperation.UserNotBindPhone"],
  },
  {
    code: "USER_NOT_BIND_WECHAT",
    category: "PRECONDITION",
    retryable: false,
    message: "This user has no WeChat account bound, so protection by WeChat cannot be switched on.",
    remedy: "Have the user bind WeChat in the Tencent Cloud console first, or choose another method.",
    camCodes: ["FailedOperation.UserNotBindWechat"],
  },
  {
    code: "USER_UNBIND_NO_PERMISSION",
    category: "FORBIDDEN",
    retryable: false,
    message: "Tencent Cloud does not permit this change to the user's protection.",
    remedy: "Ask the owner of the Tencent Cloud account to make the change in the console or to permit it.",
    camCodes: ["FailedOperation.UserUnbindNoPermission"],
  },
  {
    code: "MFA_TOKEN_ERROR",
    category: "UNAUTHENTICATED",
    retryable: false,
    message: "Tencent Cloud could not verify the second factor that this change needs.",
    remedy: "Ask the gateway's operator to renew its Tencent Cloud session with a fresh second factor.",
    camCodes: ["InvalidParameter.MFATokenError"],
  },
  {
    // Two vendor codes for one fact: which of them arrives depends on the action.
    code: "USER_NOT_EXIST",
    category: "NOT_FOUND",
    retryable: false,
    message: "Tencent Cloud has no such user.",
    remedy: "Check the user's id; the user may have been deleted or may belong to another account.",
    camCodes: ["InvalidParameter.UserNotExist", "ResourceNotFound.UserNotExist"],
  },
] as const satisfies readonly CatalogueEntry[];
