/**
 * Families of codes, each with all its sub-codes, by which CAM says that it did not carry a request out: it was over a
 * limit of calls, its key was not accepted or not permitted, or CAM did not take it as it was written.
 */
const FAMILIES: ReadonlySet<string> = new Set([
  "RequestLimitExceeded",
  "AuthFailure",
  "UnauthorizedOperation",
  "IpInBlacklist",
  "IpNotInWhitelist",
  "InvalidParameter",
  "InvalidParameterValue",
  "MissingParameter",
  "UnknownParameter",
  "InvalidRequest",
  "RequestSizeLimitExceeded",
  "InvalidAction",
  "ActionOffline",
  "NoSuchProduct",
  "NoSuchVersion",
  "UnsupportedOperation",
  "UnsupportedProtocol",
  "UnsupportedRegion",
  "DryRunOperation",
  "LimitExceeded",
  "ResourceNotFound",
]);

/** What SetMfaFlag's page lists of a family that proves nothing by itself: the bare FailedOperation says no more than that. */
const CODES: ReadonlySet<string> = new Set([
  "FailedOperation.UserNotBindPhone",
  "FailedOperation.UserNotBindWechat",
  "FailedOperation.UserUnbindNoPermission",
]);

/**
 * Whether a code proves that CAM did not carry the request out. CAM gives no such promise for its internal errors, for a
 * resource that it could not use, for an answer that was too large, or for a code that its pages do not list.
 */
export function provesRefusal(camCode: string | undefined): boolean {
  if (camCode === undefined) return false;
  return CODES.has(camCode) || FAMILIES.has(camCode.split(".", 1)[0] ?? "");
}
