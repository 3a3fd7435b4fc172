import { type CredentialScope, formatCredentialScope } from "./credential-scope.ts";
import { sha256Hex } from "./digest.ts";

export const TC3_ALGORITHM = "TC3-HMAC-SHA256";

/** Step 2 of TC3: algorithm, X-TC-Timestamp in seconds, scope and the hash of the canonical request, a line each. */
export function createStringToSign(
  canonicalRequest: string,
  timestampSeconds: number,
  scope: CredentialScope,
): string {
  return `${TC3_ALGORITHM}\n${timestampSeconds}\n${formatCredentialScope(scope)}\n${sha256Hex(canonicalRequest)}`;
}
