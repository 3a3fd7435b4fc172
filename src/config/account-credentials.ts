import type { CredentialSettings } from "../cam/index.ts";
import type { SecretSource } from "../secret.ts";
import { Secret } from "../secret.ts";
import type { CredentialsEntry } from "./account-schema.ts";
import type { AccountsTarget } from "./accounts-target.ts";
import { profilePaths } from "./credential-settings.ts";

/** Where the keys of an account are looked for. Says what is wrong, by the path inside of `credentials`. */
export function accountCredentials(
  entry: CredentialsEntry,
  { variable, metadataOrigin }: AccountsTarget,
  say: (path: readonly string[], problem: string) => void,
): { readonly credentials: CredentialSettings; readonly usesDefaultKey: boolean } {
  const { secretId, profile, instanceRole, webIdentity, assumeRole } = entry;
  const sourceOf = (part: "secretId" | "secretKey" | "token"): Record<string, SecretSource> => {
    const given = entry[part];
    if (given === undefined) return {};
    if (typeof given === "string") return { [part]: { value: new Secret(given) } };
    if ("file" in given) return { [part]: given };
    const value = variable(given.variable);
    if (value === undefined) say([part, "variable"], `names ${given.variable}, which is not set`);
    return value === undefined ? {} : { [part]: { value } };
  };
  return {
    credentials: {
      environment: { ...sourceOf("secretId"), ...sourceOf("secretKey"), ...sourceOf("token") },
      ...(profile !== undefined && { profile: { name: profile, paths: profilePaths(), required: true } }),
      ...(instanceRole !== undefined && { metadata: { origin: metadataOrigin, roleName: instanceRole } }),
      ...(webIdentity !== undefined && { webIdentity }),
      ...(assumeRole !== undefined && { role: withoutUndefined(assumeRole) }),
    },
    usesDefaultKey: [secretId, profile, instanceRole, webIdentity].every((place) => place === undefined),
  };
}

function withoutUndefined({ externalId, ...role }: NonNullable<CredentialsEntry["assumeRole"]>) {
  return { ...role, ...(externalId !== undefined && { externalId }) };
}
