import { type CredentialScope, formatCredentialScope, TC3_ALGORITHM } from "./string-to-sign.ts";

/** Returns the value of the Authorization header: step 4 of TC3. */
export function formatAuthorization(
  secretId: string,
  scope: CredentialScope,
  signedHeaders: string,
  signature: string,
): string {
  return (
    `${TC3_ALGORITHM} Credential=${secretId}/${formatCredentialScope(scope)}, ` +
    `SignedHeaders=${signedHeaders}, Signature=${signature}`
  );
}
