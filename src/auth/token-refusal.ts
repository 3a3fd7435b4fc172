import { errors } from "jose";
import type { Refusal } from "./authenticator.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { KeysUnavailable } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";

/**
 * In our own words and without anything of the token: whoever forged it learns no more than whoever forgot to renew it.
 *
 * @param settings The issuer's whose token it was held to be.
 */
export function explainRefusal(error: unknown, settings: IssuerSettings | undefined): Refusal {
  if (error instanceof KeysUnavailable) return { refusal: KEYS_AWAY, retryAfterMs: error.retryAfterMs };
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud" && settings !== undefined) {
    const { issuer, audiences } = settings;
    const mismatch = claimMismatch(error.payload, { issuers: [issuer], audiences });
    return { refusal: explainJose(error), mismatch };
  }
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return { refusal: explainJose(error), claim: { name: error.claim, problem: error.reason } };
  }
  if (error instanceof errors.JOSEError) return { refusal: explainJose(error) };
  // Such as a key of the issuer that is none: refused all the same, and the operator hears of it.
  return { refusal: "The token cannot be verified.", cause: error };
}

function explainJose(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "The token has expired.";
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? MISSING_CLAIM;
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return "The token is not signed in a way that is accepted here.";
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "The token's signature is not valid.";
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return "The token names no key of its issuer.";
  }
  return "The token cannot be read.";
}

const KEYS_AWAY = "The keys of the token's issuer cannot be had; the token may be good.";

export const SOMEBODY_ELSES = "The token is meant for somebody else.";

const MISSING_CLAIM = "The token lacks a claim that is needed here, or has it in another form.";

const CLAIMS: Readonly<Record<string, string>> = {
  aud: SOMEBODY_ELSES,
  nbf: "The token is not valid yet.",
  iss: "The token is by an issuer that is not trusted here.",
};
