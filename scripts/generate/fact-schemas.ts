import type { CamErrorFacts } from "../../src/contract/index.ts";

const camAnswer = {
  description:
    "Tencent Cloud's answer, for a request to its support. Missing if Tencent Cloud did not answer.",
  type: "object",
  properties: {
    code: {
      description: "Tencent Cloud's own code, for example FailedOperation.UserNotBindPhone.",
      type: "string",
    },
    action: { description: "The action that answered, for example SetMfaFlag.", type: "string" },
    requestId: { description: "Tencent Cloud's id of that call.", type: "string" },
  },
  required: ["code", "action", "requestId"],
  additionalProperties: false,
};

/** The JSON Schemas of the facts that an error may carry in addition to code, category and retryable. */
export const factSchemas: Readonly<Record<keyof CamErrorFacts, object>> = {
  requestId: { description: "The gateway's id of the request, which its log lines carry.", type: "string" },
  retryAfterMs: {
    description: "Milliseconds to wait before trying again. Always present if the category is THROTTLED.",
    type: "integer",
    minimum: 0,
    maximum: 2_147_483_647,
  },
  changeId: { description: "The id of the change that the error is about.", type: "string" },
  expiresAt: {
    description: "The end of the time for approval by another caller, with APPROVAL_REQUIRED: ISO 8601.",
    type: "string",
    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
  },
  opUin: {
    description: "The user that the error is about: a decimal string up to 18446744073709551615.",
    type: "string",
    pattern: "^[1-9][0-9]{0,19}$",
  },
  cam: camAnswer,
};
