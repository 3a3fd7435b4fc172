/**
 * Families of codes, each with all its sub-codes, by which CAM says that it did not carry a request out: the request was
 * over a limit of calls, or its key was not accepted or not permitted.
 */
const FAMILIES: ReadonlySet<string> = new Set([
  "RequestLimitExceeded",
  "AuthFailure",
  "UnauthorizedOperation",
]);

/** The other codes of CAM's pages that refuse a request as it was written, or the change that it asks for. */
const CODES: ReadonlySet<string> = new Set([
  "FailedOperation.UserNotBindPhone",
  "FailedOperation.UserNotBindWechat",
  "FailedOperation.UserUnbindNoPermission",
  "InvalidParameter.MFATokenError",
  "InvalidParameter.UserNotExist",
  "ResourceNotFound.UserNotExist",
  "ActionOffline",
  "DryRunOperation",
  "InvalidAction",
  "InvalidParameter",
  "InvalidParameter.ParamError",
  "InvalidParameter.SubUserFull",
  "InvalidParameter.UinError",
  "InvalidParameterValue",
  "InvalidRequest",
  "IpInBlacklist",
  "IpNotInWhitelist",
  "LimitExceeded",
  "MissingParameter",
  "NoSuchProduct",
  "NoSuchVersion",
  "RequestSizeLimitExceeded",
  "ResourceNotFound",
  "UnknownParameter",
  "UnsupportedOperation",
  "UnsupportedProtocol",
  "UnsupportedRegion",
]);

/**
 * Returns whether a code proves that CAM did not carry the request out. Internal errors, a resource that CAM could not
 * use, an answer that was too large, and a code that CAM's pages do not list prove nothing.
 */
export function provesRefusal(camCode: string | undefined): boolean {
  if (camCode === undefined) return false;
  return CODES.has(camCode) || FAMILIES.has(camCode.split(".", 1)[0] ?? "");
}
