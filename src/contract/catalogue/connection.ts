import type { CatalogueEntry } from "./entry.ts";

/**
 * The vendor gave no usable answer. A change that may have been made despite that is read back, and where the user does
 * not show it by the deadline it is OUTCOME_UNKNOWN, never one of the retryable codes here.
 */
export const connectionErrors = [
  {
    code: "CAM_TIMEOUT",
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud did not answer in time.",
    remedy: "Try again in a moment.",
    camCodes: [],
  },
  {
    code: "CAM_UNREACHABLE",
    category: "UPSTREAM",
    retryable: true,
    message: "The gateway could not reach Tencent Cloud.",
    remedy:
      "Try again in a moment. If it lasts, give the request id to the gateway's operator: the log line of the failed call names the cause.",
    camCodes: [],
  },
  {
    code: "CAM_BAD_RESPONSE",
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud's answer could not be understood.",
    remedy:
      "Try again in a moment. If it lasts, give the request id to the gateway's operator: the log line of the failed call names the cause.",
    camCodes: [],
  },
  {
    code: "CAM_CIRCUIT_OPEN",
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud has been failing, so the gateway is giving it a pause.",
    remedy: "Try again after retryAfterMs, or in a moment where it is missing.",
    camCodes: [],
  },
  {
    code: "CAM_CREDENTIALS_UNAVAILABLE",
    category: "MISCONFIGURED",
    retryable: false,
    message: "The gateway has no credentials for Tencent Cloud.",
    remedy:
      "The gateway's operator has to configure a Tencent Cloud key, or repair the source that issues it.",
    camCodes: [],
  },
  {
    // Not retryable: in the meantime somebody else may have changed the user, and a repeat would undo that.
    code: "OUTCOME_UNKNOWN",
    category: "UPSTREAM",
    retryable: false,
    message: "It could not be established whether the change was made.",
    remedy:
      "Read the record of the change, which changeId names: the gateway goes on looking for a day. Read the user's protection before deciding to send the change again.",
    camCodes: [],
  },
  {
    // Of records of earlier releases alone. A reading of the old state proves nothing, so no change ends so any more.
    code: "CHANGE_NOT_APPLIED",
    category: "UPSTREAM",
    retryable: true,
    message: "The change was interrupted and did not take effect.",
    remedy:
      "An earlier release of the gateway has put this on record. Read the user's protection, then send the change again.",
    camCodes: [],
  },
] as const satisfies readonly CatalogueEntry[];
