import { z } from "zod";
import { policySchema } from "../../src/auth/policy/policy.ts";
import { accountsFileSchema } from "../../src/config/accounts-file.ts";
import { webhooksFileSchema } from "../../src/config/webhooks-file.ts";
import { formatJson, GENERATED_NOTICE } from "./format.ts";

/**
 * The files that a variable names, for which editors get a JSON Schema. The gateway is stricter: it also checks time zones,
 * switches, addresses, and combinations of settings.
 */
const FILES = {
  policy: ["POLICY_FILE", policySchema],
  accounts: ["CAM_ACCOUNTS", accountsFileSchema],
  webhooks: ["WEBHOOKS_FILE", webhooksFileSchema],
} as const;

export const FILE_NAMES = Object.keys(FILES) as readonly (keyof typeof FILES)[];

/** Returns the JSON Schema of a file. */
export function renderFileSchema(name: keyof typeof FILES): string {
  const [variable, fileSchema] = FILES[name];
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, {
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === "bigint") jsonSchema.type = "integer";
    },
  });
  return formatJson({
    $schema,
    $id: `urn:cam-mfa-gateway:${name}`,
    $comment: GENERATED_NOTICE,
    title: `${variable} of the CAM MFA gateway`,
    ...schema,
  });
}
