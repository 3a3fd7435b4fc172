import { CAM_ERROR_CATALOGUE, type CamErrorInfo } from "../../src/contract/index.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { factSchemas } from "./fact-schemas.ts";
import { formatJson } from "./format-json.ts";

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
