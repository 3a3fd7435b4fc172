import { errors } from "jose";
import type { Refusal } from "./authenticator.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { KeysUnavailable } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";

export const WRONG_AUDIENCE = "The token is meant for another service.";
export const UNKNOWN_ISSUER = "The gateway does not trust the token's issuer.";

const CLAIMS: Readonly<Record<string, string>> = {
  aud: WRONG_AUDIENCE,
  iss: UNKNOWN_ISSUER,
  nbf: "The token is not valid yet.",
};

/**
 * Explains an error of the verification. The sentence for the caller quotes no part of the token, so a forger learns no
 * more than the owner of an expired token.
 *
 * @param settings The settings of the issuer that the token names.
 */
export function explainRefusal(error: unknown, settings: IssuerSettings | undefined): Refusal {
  if (error instanceof KeysUnavailable) {
    const refusal = "The keys of the token's issuer are unavailable. The token may be valid.";
    return { refusal, retryAfterMs: error.retryAfterMs };
  }
  // An unexpected error, for example a malformed key of the issuer. The log shows its cause to operators.
  if (!(error instanceof errors.JOSEError)) return { refusal: "The token cannot be verified.", cause: error };
  const refusal = explainJose(error);
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud" && settings !== undefined) {
    const { issuer, audiences } = settings;
    return { refusal, mismatch: claimMismatch(error.payload, { issuers: [issuer], audiences }) };
  }
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return { refusal, claim: { name: error.claim, problem: error.reason } };
  }
  return { refusal };
}

function explainJose(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "The token has expired.";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return CLAIMS[error.claim] ?? "The token lacks a required claim, or the claim has another form.";
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return "The gateway does not accept the token's kind of signature.";
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "The token's signature is not valid.";
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return "The token names no key of its issuer.";
  }
  return "The token cannot be read.";
}
