import { z } from "zod";
import { policySchema } from "../../src/auth/policy/policy.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { formatJson } from "./format-json.ts";

/**
 * The JSON Schema of POLICY_FILE, by which editors check and complete it. It is looser than the gateway, which also
 * knows time zones, switches and which rule ids are taken.
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
