import { z } from "zod";
import { accountsFileSchema } from "../../src/config/accounts-file.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { formatJson } from "./format-json.ts";

/**
 * Returns the JSON Schema of CAM_ACCOUNTS for editors. The gateway is stricter: it also checks combinations of
 * settings.
 */
export function renderAccountsSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(accountsFileSchema, { io: "input", unrepresentable: "any" });
  return formatJson({
    $schema,
    $id: "urn:cam-mfa-gateway:accounts",
    $comment: GENERATED_NOTICE,
    title: "CAM_ACCOUNTS of the CAM MFA gateway",
    ...schema,
  });
}
