import type { CatalogueRows } from "./entry.ts";

/** The errors that SetMfaFlag documents: https://www.tencentcloud.com/document/product/598/36305 */
export const USER_ERRORS = {
  USER_NOT_BIND_PHONE: {
    category: "PRECONDITION",
    message: "This user has no phone number bound, so protection by phone cannot be switched on.",
    remedy: "Bind a phone number to the user in the Tencent Cloud console first, or choose another method.",
    camCodes: ["FailedOperation.UserNotBindPhone"],
  },
  USER_NOT_BIND_WECHAT: {
    category: "PRECONDITION",
    message: "This user has no WeChat account bound, so protection by WeChat cannot be switched on.",
    remedy: "Have the user bind WeChat in the Tencent Cloud console first, or choose another method.",
    camCodes: ["FailedOperation.UserNotBindWechat"],
  },
  USER_UNBIND_NO_PERMISSION: {
    category: "FORBIDDEN",
    message: "Tencent Cloud does not permit this change to the user's protection.",
    remedy: "Ask the owner of the Tencent Cloud account to make the change in the console or to permit it.",
    camCodes: ["FailedOperation.UserUnbindNoPermission"],
  },
  MFA_TOKEN_ERROR: {
    category: "UNAUTHENTICATED",
    message: "Tencent Cloud could not verify the second factor that this change needs.",
    remedy: "Ask the gateway's operator to renew its Tencent Cloud session with a fresh second factor.",
    camCodes: ["InvalidParameter.MFATokenError"],
  },
  // CAM has two codes for one fact. The action decides which of them arrives.
  USER_NOT_EXIST: {
    category: "NOT_FOUND",
    message: "Tencent Cloud has no such user.",
    remedy: "Check the user's id; the user may have been deleted or may belong to another account.",
    camCodes: ["InvalidParameter.UserNotExist", "ResourceNotFound.UserNotExist"],
  },
} as const satisfies CatalogueRows;

/** CAM understood the request, and failed or refused to carry it out. */
export const SERVICE_ERRORS = {
  CAM_RATE_LIMITED: {
    category: "THROTTLED",
    retryable: true,
    message: "Tencent Cloud is receiving too many requests at the moment.",
    remedy: "Wait for retryAfterMs, then send the request again.",
    camCodes: ["RequestLimitExceeded"],
  },
  CAM_UNAVAILABLE: {
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud is temporarily unavailable.",
    remedy: "Try again in a moment.",
    camCodes: ["ServiceUnavailable", "InternalError"],
  },
  // Not retryable: a repeat rarely succeeds, so Tencent Cloud's own SDKs stopped retrying it.
  CAM_FAILED_OPERATION: {
    category: "UPSTREAM",
    message: "Tencent Cloud could not carry out the request.",
    remedy:
      "Read the user's current protection before you try again. If the error persists, give cam.requestId to Tencent Cloud support.",
    camCodes: ["FailedOperation"],
  },
  CAM_LIMIT_EXCEEDED: {
    category: "PRECONDITION",
    message: "The Tencent Cloud account has reached one of its limits.",
    remedy: "Remove unused items from the account, or ask Tencent Cloud to raise the limit.",
    camCodes: ["LimitExceeded"],
  },
  CAM_RESOURCE_IN_USE: {
    category: "CONFLICT",
    retryable: true,
    message: "Tencent Cloud is busy with another operation on the same user.",
    remedy: "Try again in a moment.",
    camCodes: ["ResourceInUse"],
  },
  CAM_RESOURCE_INSUFFICIENT: {
    category: "UPSTREAM",
    message: "Tencent Cloud lacks the resources to carry out the request.",
    remedy: "Give cam.requestId to Tencent Cloud support.",
    camCodes: ["ResourceInsufficient"],
  },
  CAM_RESOURCE_NOT_FOUND: {
    category: "NOT_FOUND",
    message: "Tencent Cloud has nothing with an id that the request names.",
    remedy: "Check the ids in the request.",
    camCodes: ["ResourceNotFound"],
  },
  CAM_RESOURCE_UNAVAILABLE: {
    category: "UPSTREAM",
    retryable: true,
    message: "Something that the request names is temporarily unavailable in Tencent Cloud.",
    remedy: "Try again in a moment.",
    camCodes: ["ResourceUnavailable"],
  },
  // The code for every CAM code that the catalogue does not list. CAM keeps adding codes.
  CAM_UNKNOWN_ERROR: {
    category: "UPSTREAM",
    message: "Tencent Cloud refused the request for a reason that the gateway does not know.",
    remedy: "Look up cam.code in Tencent Cloud's documentation, and report it to the gateway's operator.",
  },
} as const satisfies CatalogueRows;

/** CAM does not accept the request as written. */
export const REQUEST_ERRORS = {
  CAM_INVALID_PARAMETER: {
    category: "INPUT",
    message: "Tencent Cloud does not accept a value in this request.",
    remedy:
      "Check the values in your request. If they are right, report the request id to the gateway's operator.",
    camCodes: ["InvalidParameter", "InvalidParameterValue", "MissingParameter", "UnknownParameter"],
  },
  CAM_REQUEST_SIZE_LIMIT_EXCEEDED: {
    category: "INPUT",
    message: "The request is too large for Tencent Cloud.",
    remedy: "Ask for fewer users in one request.",
    camCodes: ["RequestSizeLimitExceeded"],
  },
  CAM_RESPONSE_SIZE_LIMIT_EXCEEDED: {
    category: "INPUT",
    message: "The answer would be too large for Tencent Cloud to send.",
    remedy: "Ask for fewer users in one request.",
    camCodes: ["ResponseSizeLimitExceeded"],
  },
  CAM_UNSUPPORTED_OPERATION: {
    category: "PRECONDITION",
    message: "Tencent Cloud does not support this operation for this user.",
    remedy: "Check the type of the user in the Tencent Cloud console; some types cannot be changed this way.",
    camCodes: ["UnsupportedOperation"],
  },
  // Concerns the encoding of the body, which is the gateway's work and never the caller's.
  CAM_INVALID_REQUEST: {
    category: "INTERNAL",
    message: "Tencent Cloud could not read the request that the gateway sent.",
    remedy: "Report the request id to the gateway's operator.",
    camCodes: ["InvalidRequest"],
  },
} as const satisfies CatalogueRows;

/** CAM refuses the gateway itself: its key, its clock, its permissions or its address. */
export const ACCESS_ERRORS = {
  CAM_MFA_REQUIRED: {
    category: "UNAUTHENTICATED",
    message: "Tencent Cloud asks for a second factor before it permits this.",
    remedy: "Ask the gateway's operator for a Tencent Cloud session that was opened with a second factor.",
    camCodes: ["AuthFailure.MFAFailure"],
  },
  // Reported only if one correction of the gateway's time by CAM's clock did not help.
  CAM_CLOCK_SKEW: {
    category: "MISCONFIGURED",
    message: "The gateway's clock differs too much from Tencent Cloud's.",
    remedy: "The gateway's operator must correct the clock of its machine.",
    camCodes: ["AuthFailure.SignatureExpire"],
  },
  CAM_CREDENTIALS_REJECTED: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not accept the gateway's credentials.",
    remedy:
      "The gateway's operator must check that its Tencent Cloud key is complete, enabled and not expired.",
    camCodes: ["AuthFailure"],
  },
  CAM_PERMISSION_DENIED: {
    category: "MISCONFIGURED",
    message: "The gateway's Tencent Cloud account lacks the permission for this.",
    remedy: "The gateway's operator must grant its key the action that cam.action names.",
    camCodes: ["UnauthorizedOperation", "AuthFailure.UnauthorizedOperation"],
  },
  CAM_IP_IN_BLACKLIST: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud has blocked the network address of the gateway.",
    remedy: "The gateway's operator must remove its outgoing address from the account's blacklist.",
    camCodes: ["IpInBlacklist"],
  },
  CAM_IP_NOT_IN_WHITELIST: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not accept requests from the network address of the gateway.",
    remedy: "The gateway's operator must add its outgoing address to the account's whitelist.",
    camCodes: ["IpNotInWhitelist"],
  },
} as const satisfies CatalogueRows;

/** The gateway uses an interface that CAM does not offer, or not at that endpoint, or no longer. */
export const INTERFACE_ERRORS = {
  CAM_ACTION_OFFLINE: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud has retired the interface that the gateway uses for this.",
    remedy: "The gateway's operator must install a version that uses the successor.",
    camCodes: ["ActionOffline"],
  },
  CAM_INVALID_ACTION: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not know the operation that the gateway asked for.",
    remedy: "The gateway's operator must check that its endpoint belongs to the account's site.",
    camCodes: ["InvalidAction"],
  },
  CAM_NO_SUCH_PRODUCT: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not offer the service at the endpoint that the gateway uses.",
    remedy: "The gateway's operator must correct the endpoint.",
    camCodes: ["NoSuchProduct"],
  },
  CAM_NO_SUCH_VERSION: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not offer the version of its interface that the gateway uses.",
    remedy: "The gateway's operator must check the endpoint and install a current version of the gateway.",
    camCodes: ["NoSuchVersion"],
  },
  CAM_UNSUPPORTED_PROTOCOL: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not accept the protocol of the gateway's request.",
    remedy: "The gateway's operator must check the endpoint, and whether a proxy changes requests.",
    camCodes: ["UnsupportedProtocol"],
  },
  CAM_UNSUPPORTED_REGION: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud does not offer this in the region that the gateway uses.",
    remedy: "The gateway's operator must correct or remove the configured region.",
    camCodes: ["UnsupportedRegion"],
  },
  // The gateway never requests a dry run, so a proxy added the parameter. CAM changed nothing.
  CAM_DRY_RUN_OPERATION: {
    category: "MISCONFIGURED",
    message: "Tencent Cloud treated the request as a dry run and changed nothing.",
    remedy: "The gateway's operator must find the proxy that asks Tencent Cloud for a dry run.",
    camCodes: ["DryRunOperation"],
  },
} as const satisfies CatalogueRows;
