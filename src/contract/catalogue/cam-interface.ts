import type { CatalogueEntry } from "./entry.ts";

/** The gateway speaks to an interface that the vendor does not offer, or not there, or no longer. */
export const camInterfaceErrors = [
  {
    code: "CAM_ACTION_OFFLINE",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud has retired the interface that the gateway uses for this.",
    remedy: "The gateway's operator has to install a version that uses the successor.",
    camCodes: ["ActionOffline"],
  },
  {
    code: "CAM_INVALID_ACTION",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not know the operation that the gateway asked for.",
    remedy: "The gateway's operator has to check that its endpoint is the one of the account's site.",
    camCodes: ["InvalidAction"],
  },
  {
    code: "CAM_NO_SUCH_PRODUCT",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not offer the service at the endpoint that the gateway uses.",
    remedy: "The gateway's operator has to correct the endpoint.",
    camCodes: ["NoSuchProduct"],
  },
  {
    code: "CAM_NO_SUCH_VERSION",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not offer the version of its interface that the gateway uses.",
    remedy: "The gateway's operator has to check the endpoint and install a current version of the gateway.",
    camCodes: ["NoSuchVersion"],
  },
  {
    code: "CAM_UNSUPPORTED_PROTOCOL",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not accept the way in which the gateway's request arrived.",
    remedy: "The gateway's operator has to check the endpoint and any proxy on the way for changed requests.",
    camCodes: ["UnsupportedProtocol"],
  },
  {
    code: "CAM_UNSUPPORTED_REGION",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud does not offer this in the region that the gateway uses.",
    remedy: "The gateway's operator has to correct or remove the configured region.",
    camCodes: ["UnsupportedRegion"],
  },
  {
    // The gateway never asks for a dry run, so something on the way added the parameter. Nothing was changed.
    code: "CAM_DRY_RUN_OPERATION",
    category: "MISCONFIGURED",
    retryable: false,
    message: "Tencent Cloud only rehearsed the request and changed nothing.",
    remedy: "The gateway's operator has to find out what on the way to Tencent Cloud asks for a rehearsal.",
    camCodes: ["DryRunOperation"],
  },
] as const satisfies readonly CatalogueEntry[];
