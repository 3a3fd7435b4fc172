import type { CatalogueEntry } from "./entry.ts";

/** The vendor does not take the request as it was written. */
export const camRequestErrors = [
  {
    code: "CAM_INVALID_PARAMETER",
    category: "INPUT",
    retryable: false,
    message: "Tencent Cloud does not accept a value in this request.",
    remedy:
      "Check the values that were sent; if they are right, report the request id to the gateway's operator.",
    camCodes: ["InvalidParameter", "InvalidParameterValue", "MissingParameter", "UnknownParameter"],
  },
  {
    code: "CAM_REQUEST_SIZE_LIMIT_EXCEEDED",
    category: "INPUT",
    retryable: false,
    message: "The request is too large for Tencent Cloud.",
    remedy: "Ask for fewer users at once.",
    camCodes: ["RequestSizeLimitExceeded"],
  },
  {
    code: "CAM_RESPONSE_SIZE_LIMIT_EXCEEDED",
    category: "INPUT",
    retryable: false,
    message: "The answer would be too large for Tencent Cloud to send.",
    remedy: "Ask for fewer users at once.",
    camCodes: ["ResponseSizeLimitExceeded"],
  },
  {
    code: "CAM_UNSUPPORTED_OPERATION",
    category: "PRECONDITION",
    retryable: false,
    message: "Tencent Cloud does not support this operation for this user.",
    remedy:
      "Check in the Tencent Cloud console what kind of user it is; not every kind can be changed this way.",
    camCodes: ["UnsupportedOperation"],
  },
  {
    // Concerns the encoding of the body, which is the gateway's work and never the caller's.
    code: "CAM_INVALID_REQUEST",
    category: "INTERNAL",
    retryable: false,
    message: "The gateway sent Tencent Cloud a request that it could not read.",
    remedy: "Report the request id to the gateway's operator.",
    camCodes: ["InvalidRequest"],
  },
] as const satisfies readonly CatalogueEntry[];
