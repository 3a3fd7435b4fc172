import type { JWTPayload } from "jose";
import type { Caller } from "./caller.ts";
import type { IssuerSettings } from "./issuer-settings.ts";
import { isScope } from "./scope.ts";

/**
 * Without control characters and ends of lines, which PostgreSQL or a terminal would choke on, short enough for a
 * record, and with something to see in it.
 */
const PRINTABLE = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;

/** The caller that verified claims describe, or what is wrong with them. */
export function readCaller(
  claims: JWTPayload,
  settings: IssuerSettings,
): Caller | { readonly problem: string } {
  const subject = claims.sub;
  const client = claims["azp"] ?? claims["client_id"];
  if (!isPrintable(subject)) return { problem: "The token's sub names nobody." };
  if (client !== undefined && !isPrintable(client))
    return { problem: "The token's client has no usable name." };
  return { subject, client, issuer: settings.issuer, scopes: scopesOf(claims, settings) };
}

/** Whether it can stand in logs and records. */
export function isPrintable(value: unknown): value is string {
  return typeof value === "string" && PRINTABLE.test(value);
}

function scopesOf(
  claims: JWTPayload,
  { scopeClaim, roleClaim, roleScopes }: IssuerSettings,
): Caller["scopes"] {
  const roles = roleClaim === undefined ? [] : wordsOf(claimAt(claims, roleClaim));
  const ofRoles = roles.flatMap((role) => (Object.hasOwn(roleScopes, role) ? roleScopes[role] : role));
  return new Set([...wordsOf(claimAt(claims, scopeClaim)), ...ofRoles].filter(isScope));
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
