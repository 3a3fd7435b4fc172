import { hash } from "node:crypto";
import { decodeJwt, errors, type JWTHeaderParameters, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Authentication, Refusal } from "./authenticator.ts";
import { type Caller, isMisleading, isPrintable, isScope, type Scope } from "./caller.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { type IssuerKeys, KeysUnavailable } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";

/**
 * The longest accepted token. Tokens of Microsoft Entra ID with 200 groups reach 16 KiB. Longer ones cost time to read.
 */
export const MAX_TOKEN_BYTES = 24 * 1024;

interface TrustedIssuer {
  readonly settings: IssuerSettings;
  readonly keys: IssuerKeys;
}

/** A token that was verified, and the key set that verified it. */
interface VerifiedToken {
  readonly caller: Caller;
  /** The expiry time by the wall clock, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly issuer: TrustedIssuer;
  readonly keySet: string;
}

/** Enough for all callers that are active at one time, and a few megabytes of memory. */
const MAX_CACHED_TOKENS = 10_000;

/**
 * Verifies bearer tokens and returns their callers. Caches a verified token until it expires or the keys of its issuer
 * change. The cache holds digests of tokens, not the tokens.
 */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #clock: Pick<Clock, "now">;
  readonly #verified = new LRUCache<string, VerifiedToken>({ max: MAX_CACHED_TOKENS });

  constructor(deps: { readonly issuers: readonly TrustedIssuer[]; readonly clock: Pick<Clock, "now"> }) {
    this.#issuers = new Map(deps.issuers.map((issuer) => [issuer.settings.issuer, issuer]));
    this.#clock = deps.clock;
  }

  async verify(token: string): Promise<Authentication> {
    if (token.length > MAX_TOKEN_BYTES) return refuseOversized(token);
    const digest = hash("sha256", token, "base64");
    const known = this.#verified.get(digest);
    if (known !== undefined && this.#isCurrent(known)) return { caller: known.caller };
    let issuer: TrustedIssuer | undefined;
    try {
      const claims = decodeJwt(token);
      // The claims are not verified yet. The issuer only selects the keys.
      issuer = typeof claims.iss === "string" ? this.#issuers.get(claims.iss) : undefined;
      if (issuer === undefined) return this.#refuseUnknownIssuer(claims);
      const answer = await this.#verifyBy(issuer, token, claims);
      if ("refusal" in answer) return answer;
      this.#verified.set(digest, answer);
      return { caller: answer.caller };
    } catch (error) {
      return explainRefusal(error, issuer?.settings);
    }
  }

  #isCurrent({ expiresAtMs, issuer, keySet }: VerifiedToken): boolean {
    return this.#clock.now() < expiresAtMs && issuer.keys.current === keySet;
  }

  #refuseUnknownIssuer(claims: JWTPayload): Refusal {
    const expected = { issuers: [...this.#issuers.keys()], audiences: undefined };
    return { refusal: UNKNOWN_ISSUER, mismatch: claimMismatch(claims, expected) };
  }

  async #verifyBy(
    issuer: TrustedIssuer,
    token: string,
    { aud }: JWTPayload,
  ): Promise<VerifiedToken | Refusal> {
    const { settings, keys } = issuer;
    const keySet = await keys.ready();
    const hasOtherAudience = settings.audienceClaim !== "aud" && aud === undefined;
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      issuer: settings.issuer,
      ...(hasOtherAudience ? {} : { audience: [...settings.audiences] }),
      algorithms: [...settings.algorithms],
      clockTolerance: settings.clockToleranceS,
      requiredClaims: ["sub", "exp", ...settings.requiredClaims],
      currentDate: new Date(this.#clock.now()),
    });
    if (hasOtherAudience && !isAudience(payload, settings)) {
      return { refusal: WRONG_AUDIENCE, claim: { name: settings.audienceClaim, problem: "check_failed" } };
    }
    if (!isAccessToken(protectedHeader, payload)) return { refusal: "The token is not an access token." };
    if (payload["cnf"] !== undefined) {
      return { refusal: "The token is bound to a key, which the gateway cannot check." };
    }
    const caller = readCaller(payload, settings);
    if ("problem" in caller) {
      return { refusal: caller.problem, claim: { name: caller.claim, problem: "invalid" } };
    }
    return { caller, expiresAtMs: (payload.exp ?? 0) * 1_000, issuer, keySet };
  }
}

/**
 * Rejects a long token. The code is not UNAUTHENTICATED, because clients would sign in again and get an equally long
 * one.
 */
function refuseOversized({ length }: string): Refusal {
  const refusal =
    `The bearer token is ${length} bytes long, and at most ${MAX_TOKEN_BYTES} are accepted. ` +
    "Signing in again does not help. Configure the identity provider to put fewer claims into it, such as groups.";
  return { refusal, code: "TOKEN_TOO_LARGE" };
}

const WRONG_AUDIENCE = "The token is meant for another service.";
const UNKNOWN_ISSUER = "The gateway does not trust the token's issuer.";

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
function explainRefusal(error: unknown, settings: IssuerSettings | undefined): Refusal {
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

/** Returns the caller that verified claims describe, or the wrong claim with a problem that is safe to show. */
function readCaller(
  claims: JWTPayload,
  settings: IssuerSettings,
): Caller | { readonly problem: string; readonly claim: string } {
  const subject = claims.sub;
  if (!isPrintable(subject)) return { problem: "The token's sub has no usable name.", claim: "sub" };
  if (isMisleading(subject)) return { problem: "The token's sub mixes scripts.", claim: "sub" };
  // The first claim that is present decides, so that a later one cannot replace it. A null counts as absent.
  const claim = settings.clientClaims.find((name) => (claimAt(claims, name) ?? undefined) !== undefined);
  const client = claim === undefined ? undefined : claimAt(claims, claim);
  if (client !== undefined && !isPrintable(client))
    return { problem: "The token's client has no usable name.", claim: String(claim) };
  return { subject, client, issuer: settings.issuer, scopes: scopesOf(claims, settings) };
}

/**
 * Returns whether a token without an `aud` is meant for the gateway, by the claim that its issuer uses instead. If a
 * token has an `aud`, the gateway checks only the `aud`.
 */
function isAudience(claims: JWTPayload, { audienceClaim, audiences }: IssuerSettings): boolean {
  const value = claimAt(claims, audienceClaim);
  return (Array.isArray(value) ? value : [value]).some((one) => audiences.includes(one));
}

/** The values of the `typ` header of access tokens. Logout tokens and proofs of possession have others. */
const ACCESS_TYPES: readonly unknown[] = [undefined, "jwt", "at+jwt", "application/at+jwt"];

/** Claims that only ID tokens have: the hash of the access token or code that came with them. */
const ONLY_IN_ID_TOKENS = ["at_hash", "c_hash"];

/** Claims with which some issuers mark other kinds of tokens: Keycloak uses `typ`, Amazon Cognito `token_use`. */
const OTHER_KINDS: Readonly<Record<string, readonly unknown[]>> = {
  typ: ["ID", "Refresh", "Offline", "Logout"],
  token_use: ["id"],
};

/** Returns whether a verified token is an access token. Issuers sign other kinds with the same keys. */
function isAccessToken({ typ }: JWTHeaderParameters, claims: JWTPayload): boolean {
  return (
    ACCESS_TYPES.includes(typeof typ === "string" ? typ.toLowerCase() : typ) &&
    !ONLY_IN_ID_TOKENS.some((claim) => claims[claim] !== undefined) &&
    !Object.entries(OTHER_KINDS).some(([claim, kinds]) => kinds.includes(claims[claim]))
  );
}

function scopesOf(claims: JWTPayload, settings: IssuerSettings): Caller["scopes"] {
  const { scopeClaim, scopePrefixes, roleClaim, roleScopes } = settings;
  const roles = roleClaim === undefined ? [] : wordsOf(claimAt(claims, roleClaim));
  const ofRoles = roles.flatMap((role) => (Object.hasOwn(roleScopes, role) ? roleScopes[role] : role));
  const words = [...wordsOf(claimAt(claims, scopeClaim)), ...ofRoles];
  return new Set(words.flatMap((word) => scopeOf(word ?? "", scopePrefixes) ?? []));
}

/**
 * Returns the scope that a word names, alone or after exactly one of the prefixes. A word with another prefix is a
 * scope of another service.
 */
function scopeOf(word: string, prefixes: readonly string[]): Scope | undefined {
  const names = prefixes
    .filter((prefix) => word.startsWith(prefix))
    .map((prefix) => word.slice(prefix.length));
  return [word, ...names].find(isScope);
}

/** Returns a claim by its name, which may contain dots, or by a path of names into objects. */
function claimAt(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split(".").reduce<unknown>((value, part) => {
    const isWithin = typeof value === "object" && value !== null && Object.hasOwn(value, part);
    return isWithin ? (value as Readonly<Record<string, unknown>>)[part] : undefined;
  }, claims);
}

function wordsOf(claim: unknown): readonly string[] {
  if (typeof claim === "string") return claim.split(" ");
  return Array.isArray(claim) ? claim.filter((word) => typeof word === "string") : [];
}
