import { z } from "zod";
import { policySchema } from "../../src/auth/policy/policy.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { formatJson } from "./format-json.ts";

/**
 * Returns the JSON Schema of POLICY_FILE for editors. The gateway is stricter: it also checks time zones, switches and
 * duplicate rule ids.
 */
export function renderPolicySchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(policySchema, {
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === "bigint") jsonSchema.type = "integer";
    },
  });
  return formatJson({
    $schema,
    $id: "urn:cam-mfa-gateway:policy",
    $comment: GENERATED_NOTICE,
    title: "POLICY_FILE of the CAM MFA gateway",
    ...schema,
  });
}
