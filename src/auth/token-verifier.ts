import { hash } from "node:crypto";
import { decodeJwt, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Authentication, Refusal } from "./authenticator.ts";
import type { Caller } from "./caller.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { isAccessToken, isAudience, readCaller } from "./claims.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";
import { explainRefusal, UNKNOWN_ISSUER, WRONG_AUDIENCE } from "./token-refusal.ts";

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
    if (token.length > MAX_TOKEN_BYTES) return refuseLong(token);
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
function refuseLong({ length }: string): Refusal {
  const refusal =
    `The bearer token is ${length} bytes long, and at most ${MAX_TOKEN_BYTES} are accepted. ` +
    "Signing in again does not help. Configure the identity provider to put fewer claims into it, such as groups.";
  return { refusal, code: "TOKEN_TOO_LARGE" };
}
