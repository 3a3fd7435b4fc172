import { decodeJwt, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../clock.ts";
import type { Authentication, Refusal } from "./authenticator.ts";
import { claimMismatch } from "./claim-mismatch.ts";
import { readCaller } from "./claims.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";
import { explainRefusal } from "./token-refusal.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

/** No issuer's tokens are longer, and what is longer costs time to read. */
const LONGEST_TOKEN = 8 * 1024;
/** What a token for an API is called; others (logout tokens, proofs of possession) are signed with the same keys. */
const TOKEN_TYPES: readonly unknown[] = [undefined, "jwt", "at+jwt", "application/at+jwt"];

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
    const known = this.#verified.find(token, this.#clock.now());
    if (known !== undefined) return { caller: known };
    if (token.length > LONGEST_TOKEN) return { refusal: "The token is too long." };
    let issuer: TrustedIssuer | undefined;
    try {
      const claims = decodeJwt(token);
      // Believed so far only as to whose keys could show it to be genuine.
      issuer = typeof claims.iss === "string" ? this.#issuers.get(claims.iss) : undefined;
      return issuer === undefined ? this.#refuseStranger(claims) : await this.#verifyBy(issuer, token);
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

  async #verifyBy({ settings, keys }: TrustedIssuer, token: string): Promise<Authentication> {
    const keySet = await keys.ready();
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      issuer: settings.issuer,
      audience: [...settings.audiences],
      algorithms: [...settings.algorithms],
      clockTolerance: settings.clockToleranceS,
      requiredClaims: ["sub", "exp", ...settings.requiredClaims],
      currentDate: new Date(this.#clock.now()),
    });
    const { typ } = protectedHeader;
    if (!TOKEN_TYPES.includes(typeof typ === "string" ? typ.toLowerCase() : typ)) {
      return { refusal: "The token is of another kind than access tokens." };
    }
    if (payload["cnf"] !== undefined)
      return { refusal: "The token is bound to a key, which cannot be checked here." };
    const caller = readCaller(payload, settings);
    if ("problem" in caller) return { refusal: caller.problem };
    const expiresAtMs = (payload.exp ?? 0) * 1_000;
    this.#verified.keep(token, { caller, expiresAtMs, keys: keySet, currentKeys: () => keys.current });
    return { caller };
  }
}
