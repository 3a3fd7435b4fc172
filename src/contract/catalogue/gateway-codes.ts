import type { CatalogueRows } from "./entry.ts";

/** The gateway refuses the request itself. It sent no change to CAM. */
export const REFUSALS = {
  UNAUTHENTICATED: {
    category: "UNAUTHENTICATED",
    message: "You are not signed in, or your session has ended.",
    remedy: "Sign in and send the request with a valid access token.",
  },
  // Not UNAUTHENTICATED: portals end the session at that code, although the token may be valid.
  ISSUER_UNAVAILABLE: {
    category: "UPSTREAM",
    retryable: true,
    message: "The gateway cannot verify your identity at the moment.",
    remedy:
      "Send the request again with the same token after retryAfterMs. If the error persists, the gateway's operator must check the connection to the issuer.",
  },
  FORBIDDEN: {
    category: "FORBIDDEN",
    message: "You do not have the permission for this.",
    remedy: "Ask the gateway's operator for the permission.",
  },
  // Only a caller with access to an account of that name gets this code, so that callers cannot probe names.
  UNKNOWN_ACCOUNT: {
    category: "INPUT",
    message: "The gateway has no such account.",
    remedy: "Check the name in the argument account, or leave it out for the gateway's default account.",
  },
  PROTECTED_USER: {
    category: "FORBIDDEN",
    message: "This user may not be changed through the gateway.",
    remedy:
      "Ask the gateway's operator, who keeps the list of protected users, or use the Tencent Cloud console.",
  },
  NOTHING_TO_CHANGE: {
    category: "INPUT",
    message: "The request does not say what to change.",
    remedy: "Set at least one method of login or action protection to true or false.",
  },
  MFA_METHOD_NOT_WRITABLE: {
    category: "INPUT",
    message:
      "This user is protected by a method that the gateway cannot set and that this change could remove.",
    remedy:
      "Leave that protection as it is, or change this user alone, with overwriteOtherMethods set to true.",
  },
  REASON_REQUIRED: {
    category: "INPUT",
    message: "This change needs a reason.",
    remedy: "Send the change again with the argument reason, which the gateway records.",
  },
  CHANGE_IN_PROGRESS: {
    category: "CONFLICT",
    retryable: true,
    message: "Another change to this user is still in progress.",
    remedy: "Wait for the other change to end, then send this one again.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    category: "INPUT",
    message: "This idempotency key belongs to another request.",
    remedy: "Use a new key for each change, and repeat a key only with the same arguments.",
  },
  QUOTA_EXHAUSTED: {
    category: "THROTTLED",
    retryable: true,
    message: "Too many requests are waiting for Tencent Cloud, so this one cannot be served in time.",
    remedy: "Wait for retryAfterMs, then send the request again.",
  },
  CALLER_RATE_LIMITED: {
    category: "THROTTLED",
    retryable: true,
    message: "You are sending more requests than the gateway accepts from one caller.",
    remedy: "Wait for retryAfterMs, then send the request again.",
  },
  // The gateway makes no change that it cannot record.
  STORE_UNAVAILABLE: {
    category: "UNAVAILABLE",
    retryable: true,
    message: "The gateway cannot reach its records at the moment and has changed nothing.",
    remedy: "Try again in a moment.",
  },
  INTERNAL: {
    category: "INTERNAL",
    message: "Something went wrong inside the gateway.",
    remedy: "Report the request id to the gateway's operator.",
  },
} as const satisfies CatalogueRows;

/** A person decides about the change: another caller approves it, or an operator resumes a paused caller. */
export const GUARD_RAILS = {
  APPROVAL_REQUIRED: {
    category: "PRECONDITION",
    message: "This change is on record and waits for approval by another caller.",
    remedy:
      "Ask a caller with the right to approve to call approveMfaChange with the id in changeId. Do not send the change again.",
  },
  APPROVAL_REJECTED: {
    category: "FORBIDDEN",
    message: "This change was rejected or withdrawn, and nothing was changed.",
    remedy:
      "The record of the change names the caller and the reason. Request the change again if it is still needed.",
  },
  APPROVAL_EXPIRED: {
    category: "PRECONDITION",
    message: "This change was not approved in time, and nothing was changed.",
    remedy: "Request the change again, and ask another caller to approve it.",
  },
  APPROVAL_NOT_AWAITED: {
    category: "CONFLICT",
    message: "This change does not wait for approval.",
    remedy: "Read the change by mfaChange: it needs no approval, or was approved already.",
  },
  CHANGE_NOT_FOUND: {
    category: "NOT_FOUND",
    message: "This change is not on record.",
    remedy: "Check the id of the change.",
  },
  // Not THROTTLED: waiting does not end the pause.
  CALLER_PAUSED: {
    category: "FORBIDDEN",
    message: "You changed too many users in a short time, so the gateway has paused your changes.",
    remedy: "Ask the gateway's operator to review your changes and to resume you.",
  },
} as const satisfies CatalogueRows;

/** The gateway refuses an order about a rollout. Nothing was changed. */
export const ROLLOUT_REFUSALS = {
  ROLLOUT_NOT_FOUND: {
    category: "NOT_FOUND",
    message: "The gateway has no such rollout for you.",
    remedy: "Check the id. You see a rollout if you may use all of its accounts.",
  },
  ROLLOUT_SELECTION: {
    category: "INPUT",
    message: "The selection does not fit a plan.",
    remedy: "Change the accounts, the filter or the list of users, then plan again.",
  },
  PLAN_CHANGED: {
    category: "CONFLICT",
    message: "The plan is not the one that you read, or it does not hold any more.",
    remedy: "Read the rollout again. If its plan is too old, or if the policy has changed since, plan again.",
  },
  ROLLOUT_STATUS: {
    category: "CONFLICT",
    message: "The status of the rollout does not permit this.",
    remedy: "Read the rollout again. Its status shows what can follow.",
  },
  USERS_IN_OTHER_ROLLOUT: {
    category: "CONFLICT",
    message: "Another open rollout changes some of these users.",
    remedy: "Wait until the other rollout has ended, or cancel it, then start this one again.",
  },
} as const satisfies CatalogueRows;

/**
 * CAM gave no usable answer. After a write that CAM may have applied, the gateway reads the user back and repeats the
 * write. If that does not prove the change in time, the code is OUTCOME_UNKNOWN and never one of the retryable codes
 * here.
 */
export const CONNECTION_ERRORS = {
  CAM_TIMEOUT: {
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud did not answer in time.",
    remedy: "Try again in a moment.",
  },
  CAM_UNREACHABLE: {
    category: "UPSTREAM",
    retryable: true,
    message: "The gateway could not reach Tencent Cloud.",
    remedy:
      "Try again in a moment. If the error persists, give the request id to the gateway's operator, whose log names the cause.",
  },
  CAM_BAD_RESPONSE: {
    category: "UPSTREAM",
    retryable: true,
    message: "The gateway could not understand Tencent Cloud's answer.",
    remedy:
      "Try again in a moment. If the error persists, give the request id to the gateway's operator, whose log names the cause.",
  },
  CAM_CIRCUIT_OPEN: {
    category: "UPSTREAM",
    retryable: true,
    message: "Tencent Cloud keeps failing, so the gateway has paused its requests.",
    remedy: "Try again after retryAfterMs, or in a moment if it is missing.",
  },
  CAM_CREDENTIALS_UNAVAILABLE: {
    category: "MISCONFIGURED",
    message: "The gateway has no credentials for Tencent Cloud.",
    remedy: "The gateway's operator must configure a Tencent Cloud key, or repair the source that issues it.",
  },
  // Not retryable: a repeat would undo what another caller may have changed in the meantime.
  OUTCOME_UNKNOWN: {
    category: "UPSTREAM",
    message: "The gateway could not establish whether the change was made.",
    remedy:
      "Read the record of the change by its changeId; the gateway keeps checking for a day. Read the user's protection before you send the change again.",
  },
  // Only records of earlier releases have this code. A reading of the old state proves nothing.
  CHANGE_NOT_APPLIED: {
    category: "UPSTREAM",
    retryable: true,
    message: "The change was interrupted and did not take effect.",
    remedy:
      "An earlier release of the gateway recorded this. Read the user's protection, then send the change again.",
  },
} as const satisfies CatalogueRows;
