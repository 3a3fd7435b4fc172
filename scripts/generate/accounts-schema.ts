import { z } from "zod";
import { accountsFileSchema } from "../../src/config/account-schema.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { formatJson } from "./format-json.ts";

/**
 * The JSON Schema of CAM_ACCOUNTS, by which editors check and complete it. It is looser than the gateway, which also
 * knows which settings belong together.
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
