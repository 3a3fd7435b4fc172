import type { JWTHeaderParameters, JWTPayload } from "jose";
import { type Caller, isMisleading, isPrintable, isScope, type Scope } from "./caller.ts";
import type { IssuerSettings } from "./issuer-settings.ts";

/** Returns the caller that verified claims describe, or the wrong claim with a problem that is safe to show. */
export function readCaller(
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
export function isAudience(claims: JWTPayload, { audienceClaim, audiences }: IssuerSettings): boolean {
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
export function isAccessToken({ typ }: JWTHeaderParameters, claims: JWTPayload): boolean {
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
