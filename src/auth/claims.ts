import type { JWTPayload } from "jose";
import type { Caller } from "./caller.ts";
import { isScope, type Scope } from "./caller.ts";
import type { IssuerSettings } from "./issuer-settings.ts";
import { isMisleading } from "./subject.ts";

/**
/**
 * Without control characters and ends of lines, which PostgreSQL or a terminal would choke on, and without characters that
 * are not seen, such as fillers and selectors of variants. Short enough for a record, and with something to see in it. A
 * replacement character stands for bytes that were not UTF-8, so that two names with one in them may be one.
 */
const PRINTABLE = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\uFFFD]{1,256}$/u;

/** A claim that keeps a token from naming a caller. `problem` is safe to show the caller. */
export interface UnusableClaim {
  readonly problem: string;
  readonly claim: string;
}

/** Returns the caller that verified claims describe, or the claim that is wrong. */
export function readCaller(claims: JWTPayload, settings: IssuerSettings): Caller | UnusableClaim {
  const subject = claims.sub;
  if (!isPrintable(subject)) return { problem: "The token's sub names nobody.", claim: "sub" };
  if (isMisleading(subject)) return { problem: "The token's sub mixes scripts.", claim: "sub" };
  const claim = clientClaimOf(claims, settings);
  const client = claim === undefined ? undefined : claimAt(claims, claim);
  if (client !== undefined && !isPrintable(client))
    return { problem: "The token's client has no usable name.", claim: String(claim) };
  return { subject, client, issuer: settings.issuer, scopes: scopesOf(claims, settings) };
}

/** Whether it can stand in logs and records. */
export function isPrintable(value: unknown): value is string {
  return typeof value === "string" && PRINTABLE.test(value);
}

/**
 * Whether a token without an `aud` is meant for the gateway, by the claim that its issuer has instead. An `aud` always
 * decides by itself: a token that names another service is not ours, whatever else it says.
 */
export function isAudience(claims: JWTPayload, { audienceClaim, audiences }: IssuerSettings): boolean {
  const value = claimAt(claims, audienceClaim);
  return (Array.isArray(value) ? value : [value]).some((one) => audiences.includes(one));
}

/** The first claim that is there decides, so that a later one cannot pass for it. A null is an absent claim. */
function clientClaimOf(claims: JWTPayload, { clientClaims }: IssuerSettings): string | undefined {
  return clientClaims.find((name) => (claimAt(claims, name) ?? undefined) !== undefined);
}

function scopesOf(claims: JWTPayload, settings: IssuerSettings): Caller["scopes"] {
  const { scopeClaim, scopePrefixes, roleClaim, roleScopes } = settings;
  const roles = roleClaim === undefined ? [] : wordsOf(claimAt(claims, roleClaim));
  const ofRoles = roles.flatMap((role) => (Object.hasOwn(roleScopes, role) ? roleScopes[role] : role));
  const words = [...wordsOf(claimAt(claims, scopeClaim)), ...ofRoles];
  return new Set(words.flatMap((word) => scopeOf(word ?? "", scopePrefixes) ?? []));
}

/** A scope by its own name, or behind exactly one of the prefixes. Anything else in front makes it somebody else's. */
function scopeOf(word: string, prefixes: readonly string[]): Scope | undefined {
  const names = prefixes
    .filter((prefix) => word.startsWith(prefix))
    .map((prefix) => word.slice(prefix.length));
  return [word, ...names].find(isScope);
}

/** A claim by its name, which may itself have dots in it, or by the way into an object. */
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
