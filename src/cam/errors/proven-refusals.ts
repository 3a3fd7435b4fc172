/**
 * Codes that prove a refusal, with all their sub-codes, even those that CAM's pages do not list: the request exceeded a
 * limit of calls, or CAM did not accept its key, or the key lacked the permission.
 */
const FAMILIES: ReadonlySet<string> = new Set([
  "RequestLimitExceeded",
  "AuthFailure",
  "UnauthorizedOperation",
]);

/**
 * The other codes on CAM's pages that refuse the form of a request, or its change. Each code is exact, without
 * sub-codes.
 */
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
 * Returns whether a code proves that CAM did not carry out the request. These codes prove nothing: internal errors, an
 * unusable resource, a reply that was too large, and every other code that CAM's pages do not list.
 */
export function provesRefusal(camCode: string | undefined): boolean {
  if (camCode === undefined) return false;
  return CODES.has(camCode) || FAMILIES.has(camCode.split(".", 1)[0] ?? "");
}
