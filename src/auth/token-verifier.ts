import { hash } from "node:crypto";
import { decodeJwt, type JWTHeaderParameters, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Authentication, Refusal } from "./authenticator.ts";
import type { Caller } from "./caller.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { isAudience, readCaller } from "./claims.ts";
import type { IssuerKeys, KeySet } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";
import { explainRefusal, SOMEBODY_ELSES } from "./token-refusal.ts";

/** Tokens of Microsoft Entra ID with 200 groups reach 16 KiB. A longer one costs time to read. */
export const MAX_TOKEN_BYTES = 24 * 1024;

interface TrustedIssuer {
  readonly settings: IssuerSettings;
  readonly keys: IssuerKeys;
}

/** Says who a bearer token's caller is. One that was verified is not verified again before it expires. */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #clock: Pick<Clock, "now">;
  readonly #verified = new VerifiedTokens();

  constructor(deps: { readonly issuers: readonly TrustedIssuer[]; readonly clock: Pick<Clock, "now"> }) {
    this.#issuers = new Map(deps.issuers.map((issuer) => [issuer.settings.issuer, issuer]));
    this.#clock = deps.clock;
  }

  async verify(token: string): Promise<Authentication> {
    if (token.length > MAX_TOKEN_BYTES) return refuseLong(token);
    const known = this.#verified.find(token, this.#clock.now());
    if (known !== undefined) return { caller: known };
    let issuer: TrustedIssuer | undefined;
    try {
      const claims = decodeJwt(token);
      // Believed so far only as to whose keys could show it to be genuine.
      issuer = typeof claims.iss === "string" ? this.#issuers.get(claims.iss) : undefined;
      return issuer === undefined
        ? this.#refuseStranger(claims)
        : await this.#verifyBy(issuer, token, claims);
    } catch (error) {
      return explainRefusal(error, issuer?.settings);
    }
  }

  #refuseStranger(claims: JWTPayload): Refusal {
    const expected = { issuers: [...this.#issuers.keys()], audiences: undefined };
    return {
      refusal: "The token is by an issuer that is not trusted here.",
      mismatch: claimMismatch(claims, expected),
    };
  }

  async #verifyBy(
    { settings, keys }: TrustedIssuer,
    token: string,
    { aud }: JWTPayload,
  ): Promise<Authentication> {
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
      return { refusal: SOMEBODY_ELSES, claim: { name: settings.audienceClaim, problem: "check_failed" } };
    }
    if (!isAccessToken(protectedHeader, payload)) {
      return { refusal: "The token is of another kind than access tokens." };
    }
    if (payload["cnf"] !== undefined)
      return { refusal: "The token is bound to a key, which cannot be checked here." };
    const caller = readCaller(payload, settings);
    if ("problem" in caller) {
      return { refusal: caller.problem, claim: { name: caller.claim, problem: "invalid" } };
    }
    const expiresAtMs = (payload.exp ?? 0) * 1_000;
    this.#verified.keep(token, { caller, expiresAtMs, keys: keySet, currentKeys: () => keys.current });
    return { caller };
  }
}

/** Never as UNAUTHENTICATED: clients would sign in again, and get a token of the same length. */
function refuseLong({ length }: string): Refusal {
  const refusal =
    `The bearer token is ${length} bytes long, and at most ${MAX_TOKEN_BYTES} are accepted. ` +
    "Signing in again does not help: the identity provider has to put fewer claims into it, such as groups.";
  return { refusal, code: "TOKEN_TOO_LARGE" };
}

/** As many callers as are at work at the same time, and a few megabytes at most. */
const MOST_TOKENS = 10_000;

interface VerifiedToken {
  readonly caller: Caller;
  /** Wall clock. */
  readonly expiresAtMs: number;
  /** The keys by which it was verified: a token is only as good as the key that signed it. */
  readonly keys: KeySet;
  readonly currentKeys: () => KeySet | undefined;
}

/** Tokens that were verified, until they expire or their issuer has other keys. It holds their digests, not them. */
class VerifiedTokens {
  readonly #verified = new LRUCache<string, VerifiedToken>({ max: MOST_TOKENS });

  find(token: string, nowMs: number): Caller | undefined {
    const digest = digestOf(token);
    const known = this.#verified.get(digest);
    if (known === undefined) return undefined;
    if (nowMs < known.expiresAtMs && known.currentKeys() === known.keys) return known.caller;
    this.#verified.delete(digest);
    return undefined;
  }

  keep(token: string, verified: VerifiedToken): void {
    this.#verified.set(digestOf(token), verified);
  }
}

function digestOf(token: string): string {
  return hash("sha256", token, "base64");
}

/** The `typ` of the header of a token for an API. Logout tokens and proofs of possession are signed with the same keys. */
const ACCESS_TYPES: readonly unknown[] = [undefined, "jwt", "at+jwt", "application/at+jwt"];

/** Claims that only ID tokens have: the hash of the access token or code beside them. */
const ONLY_IN_ID_TOKENS = ["at_hash", "c_hash"];

/** How issuers that mark tokens in the claims mark other kinds: Keycloak by `typ`, Amazon Cognito by `token_use`. */
const OTHER_KINDS: Readonly<Record<string, readonly unknown[]>> = {
  typ: ["ID", "Refresh", "Offline", "Logout"],
  token_use: ["id"],
};

/** Whether a verified token is one for an API. Issuers sign tokens of other kinds with the same keys. */
function isAccessToken({ typ }: JWTHeaderParameters, claims: JWTPayload): boolean {
  return (
    ACCESS_TYPES.includes(typeof typ === "string" ? typ.toLowerCase() : typ) &&
    !ONLY_IN_ID_TOKENS.some((claim) => claims[claim] !== undefined) &&
    !Object.entries(OTHER_KINDS).some(([claim, kinds]) => kinds.includes(claims[claim]))
  );
}
