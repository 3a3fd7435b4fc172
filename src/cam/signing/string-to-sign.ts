import { hash } from "node:crypto";

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
  return `${TC3_ALGORITHM}\n${timestampSeconds}\n${formatCredentialScope(scope)}\n${hash("sha256", canonicalRequest)}`;
}

/** The day and service of a signature, for example `2019-02-25/cam/tc3_request`. */
export interface CredentialScope {
  /** UTC date of the signed timestamp, `YYYY-MM-DD`. A local date fails around midnight. */
  readonly date: string;
  /** The product, which is the first label of its host: `cam`, `sts`. */
  readonly service: string;
}

export function createCredentialScope(timestampSeconds: number, service: string): CredentialScope {
  return { date: new Date(timestampSeconds * 1000).toISOString().slice(0, 10), service };
}

export function formatCredentialScope(scope: CredentialScope): string {
  return `${scope.date}/${scope.service}/tc3_request`;
}
