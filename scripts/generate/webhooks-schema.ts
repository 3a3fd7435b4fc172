import { z } from "zod";
import { webhooksFileSchema } from "../../src/config/webhooks-file.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { formatJson } from "./format-json.ts";

/** Returns the JSON Schema of WEBHOOKS_FILE for editors. The gateway is stricter: it also checks addresses. */
export function renderWebhooksSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(webhooksFileSchema, { io: "input", unrepresentable: "any" });
  return formatJson({
    $schema,
    $id: "urn:cam-mfa-gateway:webhooks",
    $comment: GENERATED_NOTICE,
    title: "WEBHOOKS_FILE of the CAM MFA gateway",
    ...schema,
  });
}
