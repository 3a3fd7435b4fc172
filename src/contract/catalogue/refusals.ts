import type { CatalogueEntry } from "./entry.ts";

/** The gateway refuses by itself. Nothing was sent to the vendor to change anything. */
export const refusals = [
  {
    code: "UNAUTHENTICATED",
    category: "UNAUTHENTICATED",
    retryable: false,
    message: "You are not signed in, or your session has ended.",
    remedy: "Sign in and send the request with a valid access token.",
    camCodes: [],
  },
  {
    // Not UNAUTHENTICATED, at which portals end the session of somebody whose token may be good.
    code: "ISSUER_UNAVAILABLE",
    category: "UPSTREAM",
    retryable: true,
    message: "The gateway cannot check at the moment who you are.",
    remedy:
      "Send the request again with the same token after retryAfterMs; if it lasts, the gateway's operator has to look at the way to the issuer.",
    camCodes: [],
  },
  {
    code: "FORBIDDEN",
    category: "FORBIDDEN",
    retryable: false,
    message: "You do not have the permission for this.",
    remedy: "Ask the gateway's operator for the permission.",
    camCodes: [],
  },
  {
    // Said only to whom the policy lets use an account of that name, so that nobody can find out names.
    code: "UNKNOWN_ACCOUNT",
    category: "INPUT",
    retryable: false,
    message: "There is no such account.",
    remedy: "Check the name in the argument account, or leave it out for the gateway's default account.",
    camCodes: [],
  },
  {
    code: "PROTECTED_USER",
    category: "FORBIDDEN",
    retryable: false,
    message: "This user may not be changed through the gateway.",
    remedy: "Ask the gateway's operator, who keeps the list of such users, or use the Tencent Cloud console.",
    camCodes: [],
  },
  {
    code: "NOTHING_TO_CHANGE",
    category: "INPUT",
    retryable: false,
    message: "The request does not say what to change.",
    remedy: "Set at least one method of login or action protection to true or false.",
    camCodes: [],
  },
  {
    code: "MFA_METHOD_NOT_WRITABLE",
    category: "INPUT",
    retryable: false,
    message:
      "This user is protected by a method that the gateway cannot set and that this change could remove.",
    remedy: "Leave that protection as it is, or send the change with overwriteOtherMethods set to true.",
    camCodes: [],
  },
  {
    code: "REASON_REQUIRED",
    category: "INPUT",
    retryable: false,
    message: "This change needs a reason.",
    remedy: "Send the change again with the argument reason, which says for the record why it is made.",
    camCodes: [],
  },
  {
    code: "CHANGE_IN_PROGRESS",
    category: "CONFLICT",
    retryable: true,
    message: "Another change to this user has not ended yet.",
    remedy: "Wait for the other change to end, then send this one again.",
    camCodes: [],
  },
  {
    code: "IDEMPOTENCY_KEY_REUSED",
    category: "INPUT",
    retryable: false,
    message: "This idempotency key belongs to another request.",
    remedy: "Use a new key for each change, and repeat a key only with the very same arguments.",
    camCodes: [],
  },
  {
    code: "QUOTA_EXHAUSTED",
    category: "THROTTLED",
    retryable: true,
    message: "The gateway has too many requests waiting for Tencent Cloud to serve this one in time.",
    remedy: "Wait for retryAfterMs, then send the request again.",
    camCodes: [],
  },
  {
    code: "CALLER_RATE_LIMITED",
    category: "THROTTLED",
    retryable: true,
    message: "You are sending more requests than the gateway takes from one caller.",
    remedy: "Wait for retryAfterMs, then send the request again.",
    camCodes: [],
  },
  {
    // Without a place to record a change the gateway makes none.
    code: "STORE_UNAVAILABLE",
    category: "UNAVAILABLE",
    retryable: true,
    message: "The gateway cannot reach its records at the moment and has changed nothing.",
    remedy: "Try again in a moment.",
    camCodes: [],
  },
  {
    code: "INTERNAL",
    category: "INTERNAL",
    retryable: false,
    message: "Something went wrong inside the gateway.",
    remedy: "Report the request id to the gateway's operator.",
    camCodes: [],
  },
] as const satisfies readonly CatalogueEntry[];
