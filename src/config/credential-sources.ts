import type { EnvironmentCredentialSources } from "../cam/index.ts";
import type { SecretSource } from "../secret.ts";
import { Secret } from "../secret.ts";
import type { Variables } from "./variables.ts";

/** The key pair and token, each by value or by file. Adds to `problems` what is wrong. */
export function credentialSources(vars: Variables, problems: string[]): EnvironmentCredentialSources {
  const source = (...names: readonly CredentialVariable[]): SecretSource | undefined => {
    const given = names.flatMap((name) => [
      ...(vars[name] === undefined ? [] : [{ name, source: { value: new Secret(vars[name]) } }]),
      ...(vars[`${name}_FILE`] === undefined
        ? []
        : [{ name: `${name}_FILE`, source: { file: vars[`${name}_FILE`] ?? "" } }]),
    ]);
    // The same value by several names is no mistake: Terraform's name may stand beside that of the official tools.
    const values = given.map(({ source }) => ("value" in source ? source.value.reveal() : source));
    if (new Set(values).size > 1)
      problems.push(`Set only one of ${given.map(({ name }) => name).join(" and ")}.`);
    return given[0]?.source;
  };
  const secretId = source("TENCENTCLOUD_SECRET_ID");
  const secretKey = source("TENCENTCLOUD_SECRET_KEY");
  const token = source("TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN", "TENCENTCLOUD_TOKEN");
  if ((secretId === undefined) !== (secretKey === undefined)) {
    const missing = secretId === undefined ? "TENCENTCLOUD_SECRET_ID" : "TENCENTCLOUD_SECRET_KEY";
    problems.push(`Half a key pair: ${missing} (or ${missing}_FILE) is missing.`);
  }
  if (token !== undefined && secretId === undefined && secretKey === undefined) {
    problems.push("A session token is set without the key pair that it belongs to.");
  }
  return { ...(secretId && { secretId }), ...(secretKey && { secretKey }), ...(token && { token }) };
}

type CredentialVariable =
  | "TENCENTCLOUD_SECRET_ID"
  | "TENCENTCLOUD_SECRET_KEY"
  | "TENCENTCLOUD_SESSION_TOKEN"
  | "TENCENTCLOUD_SECURITY_TOKEN"
  | "TENCENTCLOUD_TOKEN";
