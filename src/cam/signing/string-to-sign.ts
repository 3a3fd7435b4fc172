import { type CredentialScope, formatCredentialScope } from "./credential-scope.ts";
import { sha256Hex } from "./digest.ts";

export const TC3_ALGORITHM = "TC3-HMAC-SHA256";

/**
 * Creates the string to sign: step 2 of TC3. Its four lines are the algorithm, X-TC-Timestamp in seconds, the scope and
 * the hash of the canonical request.
 */
export function createStringToSign(
  canonicalRequest: string,
  timestampSeconds: number,
  scope: CredentialScope,
): string {
  return `${TC3_ALGORITHM}\n${timestampSeconds}\n${formatCredentialScope(scope)}\n${sha256Hex(canonicalRequest)}`;
}
