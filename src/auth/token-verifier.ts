import { decodeJwt, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../clock.ts";
import type { Authentication, Refusal } from "./authenticator.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { isAudience, readCaller } from "./claims.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";
import { isAccessToken } from "./token-kind.ts";
import { explainRefusal, SOMEBODY_ELSES } from "./token-refusal.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

/** Tokens of Microsoft Entra ID with 200 groups reach 16 KiB. A longer one costs time to read. */
export const MAX_TOKEN_BYTES = 24 * 1024;

export interface TrustedIssuer {
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
