import type { CatalogueEntry } from "./entry.ts";

/** People stand between the request and its change: another caller who approves it, an operator who resumes a caller. */
export const guardRails = [
  {
    code: "APPROVAL_REQUIRED",
    category: "PRECONDITION",
    retryable: false,
    message: "This change is on record and waits for another caller to approve it.",
    remedy:
      "Ask somebody else who may make it to approve it by approveMfaChange with the id in changeId. Sending it again makes nothing go faster.",
    camCodes: [],
  },
  {
    code: "APPROVAL_REJECTED",
    category: "FORBIDDEN",
    retryable: false,
    message: "This change was rejected or withdrawn instead of approved, and nothing was changed.",
    remedy: "The record of the change says by whom and why; ask for it again if it is still needed.",
    camCodes: [],
  },
  {
    code: "APPROVAL_EXPIRED",
    category: "PRECONDITION",
    retryable: false,
    message: "Nobody approved this change in time, and nothing was changed.",
    remedy: "Ask for the change again, and for somebody to approve it.",
    camCodes: [],
  },
  {
    code: "APPROVAL_NOT_AWAITED",
    category: "CONFLICT",
    retryable: false,
    message: "This change does not wait for approval.",
    remedy: "Read the change by mfaChange: it needs no approval, or was approved already.",
    camCodes: [],
  },
  {
    code: "CHANGE_NOT_FOUND",
    category: "NOT_FOUND",
    retryable: false,
    message: "There is no such change on record.",
    remedy: "Check the id of the change.",
    camCodes: [],
  },
  {
    // Not THROTTLED: no waiting ends it.
    code: "CALLER_PAUSED",
    category: "FORBIDDEN",
    retryable: false,
    message: "You have changed more users than one caller may in so short a time, and are paused.",
    remedy: "Ask the gateway's operator to look at your changes, and to resume you.",
    camCodes: [],
  },
] as const satisfies readonly CatalogueEntry[];
