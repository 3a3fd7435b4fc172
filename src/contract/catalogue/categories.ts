/**
 * What kind of trouble an error is, which decides who can end it. A program that does not know a code can
 * still choose its behaviour by the category.
 */
export const CAM_ERROR_CATEGORY_DESCRIPTIONS = {
  PRECONDITION: "Something has to be done first: to the user, to the account, or by another caller.",
  FORBIDDEN: "The caller, or the gateway on its behalf, may not do this.",
  UNAUTHENTICATED: "Somebody has to prove who they are, by signing in or with a second factor.",
  NOT_FOUND: "What the request names does not exist.",
  THROTTLED: "Too many requests for the moment; retryAfterMs says when to come back.",
  MISCONFIGURED: "The operator of the gateway has to change something; the caller cannot.",
  INPUT: "The request has to be written differently.",
  UPSTREAM: "Tencent Cloud failed, or could not be reached or understood.",
  CONFLICT: "Something else is being done to the same thing at this moment.",
  UNAVAILABLE: "The gateway itself cannot serve the request at this moment, and nothing was sent.",
  INTERNAL: "The gateway is at fault; its operator needs the request id.",
} as const;

export type CamErrorCategory = keyof typeof CAM_ERROR_CATEGORY_DESCRIPTIONS;
