import { KeyObject } from "node:crypto";
import { goodClaims, type Otherwise, signToken } from "../make-token.ts";
import type { TokenWorld } from "../token-world.ts";

/**
 * The outcome of a request with a token: accepted, forbidden for lack of the scope, not verifiable at the moment, or
 * refused with these words.
 */
export type Verdict = "ACCEPTED" | "FORBIDDEN" | "ISSUER_UNAVAILABLE" | { readonly refused: string };

export interface TokenCase {
  readonly name: string;
  readonly verdict: Verdict;
  readonly token: (world: TokenWorld) => string | Promise<string>;
}

export type Change = Omit<Otherwise, "issuer">;
export type Make = (world: TokenWorld) => Change | Promise<Change>;

export const refused = (words: string): Verdict => ({ refused: words });
export const NOT_SIGNED_SO = refused("does not accept the token's kind of signature");
export const BAD_SIGNATURE = refused("signature is not valid");
export const NO_KEY = refused("names no key of its issuer");
export const UNREADABLE = refused("cannot be read");
export const STRANGER = refused("does not trust the token's issuer");
export const SOMEBODY_ELSE = refused("meant for another service");
export const LACKS_CLAIM = refused("lacks a required claim");
export const EXPIRED = refused("has expired");
export const NOT_YET = refused("not valid yet");
export const NO_BEARER = refused("must have the form: Bearer");
export const OTHER_KIND = refused("not an access token");
export const NOBODY = refused("sub has no usable name");

/** Builds cases of the main issuer's token, each with one change. */
export function main(verdict: Verdict, cases: Readonly<Record<string, Change | Make>>): TokenCase[] {
  return by("main", verdict, cases);
}

export function by(
  who: "main" | "strict",
  verdict: Verdict,
  cases: Readonly<Record<string, Change | Make>>,
): TokenCase[] {
  return Object.entries(cases).map(([name, change]) => ({
    name,
    verdict,
    token: async (world) =>
      signToken({ issuer: world[who], ...(typeof change === "function" ? await change(world) : change) }),
  }));
}

/** Builds cases of tokens that no library would sign. */
export function forged(verdict: Verdict, cases: Readonly<Record<string, TokenCase["token"]>>): TokenCase[] {
  return Object.entries(cases).map(([name, token]) => ({ name, verdict, token }));
}

export const claims = (change: Readonly<Record<string, unknown>>): Change => ({ claims: change });
export const header = (change: Readonly<Record<string, unknown>>): Change => ({ header: change });
export const rs256 = ({ main: { keys } }: TokenWorld) => keys["RS256"];
export const usual = ({ main: issuer }: TokenWorld): Record<string, unknown> => goodClaims(issuer);
export const RS256_HEADER = { alg: "RS256", kid: "main-RS256" };

export function pem(world: TokenWorld): string {
  const key = KeyObject.from((rs256(world) as { readonly publicKey: CryptoKey }).publicKey);
  return key.export({ type: "spki", format: "pem" }) as string;
}

/** Returns a good token with a changed signature. */
export async function resigned(world: TokenWorld, change: (signature: string) => string): Promise<string> {
  const [head, payload, signature = ""] = (await signToken({ issuer: world.main })).split(".");
  return `${head}.${payload}.${change(signature)}`;
}
