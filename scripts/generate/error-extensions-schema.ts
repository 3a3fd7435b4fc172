import type { CamErrorFacts } from "../../src/contract/index.ts";
import { CAM_ERROR_CATALOGUE, type CamErrorInfo } from "../../src/contract/index.ts";
import { formatJson, GENERATED_NOTICE } from "./format.ts";

/** Returns the JSON Schema of `errors[].extensions`: one closed object for each code, so that exactly one matches. */
export function renderErrorExtensionsSchema(): string {
  return formatJson({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:cam-mfa-gateway:error-extensions",
    $comment: GENERATED_NOTICE,
    title: "errors[].extensions of the CAM MFA gateway",
    description:
      "The extensions that the gateway sends. A router may add keys or remove some (docs/consumers/routers.md).",
    oneOf: CAM_ERROR_CATALOGUE.map(({ code }) => ({ $ref: `#/$defs/${code}` })),
    $defs: {
      ...factSchemas,
      ...Object.fromEntries(CAM_ERROR_CATALOGUE.map((info) => [info.code, schemaOf(info)])),
    },
  });
}

function schemaOf({ code, category, retryable, message, remedy }: CamErrorInfo): object {
  const required = ["code", "category", "retryable", "requestId"];
  if (category === "THROTTLED") required.push("retryAfterMs");
  return {
    title: code,
    description: `${message} ${remedy}`,
    type: "object",
    properties: {
      code: { const: code },
      category: { const: category },
      retryable: { const: retryable },
      ...Object.fromEntries(Object.keys(factSchemas).map((key) => [key, { $ref: `#/$defs/${key}` }])),
    },
    required,
    additionalProperties: false,
  };
}

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
const factSchemas: Readonly<Record<keyof CamErrorFacts, object>> = {
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
