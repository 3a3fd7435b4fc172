import type { CatalogueEntry } from "./entry.ts";

/** The vendor refuses the gateway itself: its key, its clock, its rights or its address. */
export const camAccessErrors = [
  {
    code: "CAM_MFA_REQUIRED",
    category: "UNAUTHENTICATED",
    retryable: false,
    message: "Tencent Cloud asks for a second factor before it permits this.",
    remedy: "Ask the gateway's operator for a Tencent Cloud session that was opened with a second factor.",
    camCodes: ["AuthFailure.MFAFailure"],
  },
  {
    // Reported only after the gateway has corrected its time by the vendor's clock once, in vain.
    code: "CAM_CLOCK_SKEW",
    category: "MISCONFIGURED",
    retryable: false,
    message: "The gateway's clock differs too much from Tencent Cloud's.",
    remedy: "The gateway's operator has to set the clock of its machine right.",
    camCodes: ["AuthFailure.SignatureExpire"],
  },
  {
    code: "CAM_CREDENTIALS_REJECTED",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not accept the gateway's credentials.",
    remedy:
      "The gateway's operator has to check that its Tencent Cloud key is complete, enabled and not expired.",
    camCodes: ["AuthFailure"],
  },
  {
    code: "CAM_PERMISSION_DENIED",
    category: "MISCONFIGURED",
    retryable: false,
    message: "The gateway's Tencent Cloud account lacks the permission for this.",
    remedy: "The gateway's operator has to grant its key the action that cam.action names.",
    camCodes: ["UnauthorizedOperation", "AuthFailure.UnauthorizedOperation"],
  },
  {
    code: "CAM_IP_IN_BLACKLIST",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud has blocked the network address of the gateway.",
    remedy: "The gateway's operator has to take its outgoing address off the account's blacklist.",
    camCodes: ["IpInBlacklist"],
  },
  {
    code: "CAM_IP_NOT_IN_WHITELIST",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not accept requests from the network address of the gateway.",
    remedy: "The gateway's operator has to add its outgoing address to the account's whitelist.",
    camCodes: ["IpNotInWhitelist"],
  },
] as const satisfies readonly CatalogueEntry[];
