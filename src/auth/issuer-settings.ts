import type { Scope } from "./scope.ts";

/** What can sign a token: with any of these, who knows the public key cannot sign. */
export const SIGNING_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Where an issuer's public keys are: a JSON Web Key Set at an address, in a file, or where the issuer says itself. */
export type KeyPlace =
  | { readonly url: string }
  | { readonly file: string }
  /** The issuer's own name, below which it describes itself (OpenID Connect Discovery). */
  | { readonly discoverAt: string };

/** Whose tokens are believed, and how they are read. */
export interface IssuerSettings {
  /** The `iss` of its tokens, to the letter. */
  readonly issuer: string;
  readonly keys: KeyPlace;
  /** A token has to be meant for one of these. */
  readonly audiences: readonly string[];
  /** The claim that says for whom a token is meant. A dot leads into an object. */
  readonly audienceClaim: string;
  /** The claims that may name the client. The first one that a token has decides. A dot leads into an object. */
  readonly clientClaims: readonly string[];
  readonly algorithms: readonly SigningAlgorithm[];
  /** How far the issuer's clock may be from ours. */
  readonly clockToleranceS: number;
  /** Claims without which a token is refused, beside `iss`, `sub`, `aud` and `exp`. */
  readonly requiredClaims: readonly string[];
  /** The claim with the scopes: words in one text, or a list. A dot leads into an object. */
  readonly scopeClaim: string;
  /** Texts that the issuer puts in front of our scopes, for example `mfa-api/`. */
  readonly scopePrefixes: readonly string[];
  /** The claim with roles, for issuers that have no scopes; a role that is called like a scope is that scope. */
  readonly roleClaim: string | undefined;
  /** What further roles stand for. */
  readonly roleScopes: Readonly<Record<string, readonly Scope[]>>;
}
