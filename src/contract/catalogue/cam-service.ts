import type { CatalogueEntry } from "./entry.ts";

/** The vendor understood the request and could not, or would not, carry it out. */
export const camServiceErrors = [
  {
    code: "CAM_RATE_LIMITED",
    category: "THROTTLED",
    retryable: true,
    message: "Tencent Cloud is receiving too many requests at the moment.",
    remedy: "Wait for retryAfterMs, then send the request again.",
    camCodes: ["RequestLimitExceeded"],
  },
  {
    code: "CAM_UNAVAILABLE",
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud is temporarily out of order.",
    remedy: "Try again in a moment.",
    camCodes: ["ServiceUnavailable", "InternalError"],
  },
  {
    // Not retryable: the vendor's own tools stopped repeating it, since it rarely passes by itself.
    code: "CAM_FAILED_OPERATION",
    category: "UPSTREAM",
    retryable: false,
    message: "Tencent Cloud could not carry out the request.",
    remedy:
      "Read the user's current protection before trying again; if it keeps failing, quote cam.requestId to Tencent Cloud support.",
    camCodes: ["FailedOperation"],
  },
  {
    code: "CAM_LIMIT_EXCEEDED",
    category: "PRECONDITION",
    retryable: false,
    message: "The Tencent Cloud account has reached a limit on what it may hold.",
    remedy: "Remove what is no longer needed, or ask Tencent Cloud to raise the account's limit.",
    camCodes: ["LimitExceeded"],
  },
  {
    code: "CAM_RESOURCE_IN_USE",
    category: "CONFLICT",
    retryable: true,
    message: "Tencent Cloud is busy with another operation on the same user.",
    remedy: "Try again in a moment.",
    camCodes: ["ResourceInUse"],
  },
  {
    code: "CAM_RESOURCE_INSUFFICIENT",
    category: "UPSTREAM",
    retryable: false,
    message: "Tencent Cloud lacks the resources to carry out the request.",
    remedy: "Quote cam.requestId to Tencent Cloud support.",
    camCodes: ["ResourceInsufficient"],
  },
  {
    code: "CAM_RESOURCE_NOT_FOUND",
    category: "NOT_FOUND",
    retryable: false,
    message: "Tencent Cloud has nothing under the id that the request names.",
    remedy: "Check the ids in the request.",
    camCodes: ["ResourceNotFound"],
  },
  {
    code: "CAM_RESOURCE_UNAVAILABLE",
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud cannot use what the request names at the moment.",
    remedy: "Try again in a moment.",
    camCodes: ["ResourceUnavailable"],
  },
  {
    // Where every code ends up that nobody has seen yet; the vendor keeps adding some.
    code: "CAM_UNKNOWN_ERROR",
    category: "UPSTREAM",
    retryable: false,
    message: "Tencent Cloud refused the request for a reason that the gateway does not know.",
    remedy:
      "Look up cam.code in the documentation of Tencent Cloud, and report it to the gateway's operator.",
    camCodes: [],
  },
] as const satisfies readonly CatalogueEntry[];
