import type { JWTPayload } from "jose";
import { isPrintable } from "./subject.ts";

/** The issuer and audience of a rejected token, and those that were expected. None of it is secret. */
export interface ClaimMismatch {
  readonly iss: string;
  readonly aud: string;
  readonly expectedIss: string;
  /** Undefined for an unknown issuer, for which the gateway expects no audience. */
  readonly expectedAud: string | undefined;
  /** How a name differs from an expected name that looks like it. */
  readonly hint: string | undefined;
}

/** Enough for real tokens, and few enough for a log line. */
const MAX_NAMES = 5;

/** Describes the mismatch for the log, in short and printable texts. */
export function claimMismatch(
  { iss, aud }: Pick<JWTPayload, "iss" | "aud">,
  expected: { readonly issuers: readonly string[]; readonly audiences: readonly string[] | undefined },
): ClaimMismatch {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const hints = [
    expected.issuers.includes(iss as string) ? undefined : nearMiss(iss, expected.issuers),
    ...audiences.map((one) => nearMiss(one, expected.audiences ?? [])),
  ];
  return {
    iss: printable(iss),
    aud: listed(audiences),
    expectedIss: listed(expected.issuers),
    expectedAud: expected.audiences && listed(expected.audiences),
    hint: hints.find((hint) => hint !== undefined),
  };
}

function listed(names: readonly unknown[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `${names.slice(0, MAX_NAMES).map(printable).join(", ")}${more}`;
}

/** Returns a name from a token or discovery document in a form that a log line can hold. */
export function printable(name: unknown): string {
  if (name === undefined) return "(none)";
  return isPrintable(name) ? name : "(no printable text of at most 256 letters)";
}

/** The issuer names of Microsoft Entra ID. The part in the middle is the tenant. */
const ENTRA = /^https:\/\/(?:sts\.windows\.net\/([^/]+)\/|login\.microsoftonline\.com\/([^/]+)\/v2\.0)$/;

/** Says how a name differs from an expected name that looks like it. Returns undefined where none looks like it. */
export function nearMiss(given: unknown, expected: readonly string[]): string | undefined {
  if (typeof given !== "string") return undefined;
  const isEqualBy = (fold: (name: string) => string): boolean =>
    expected.some((one) => fold(one) === fold(given));
  if (isEqualBy(withoutSlash)) return "They differ by a slash at the end.";
  if (isEqualBy((name) => withoutSlash(name.toLowerCase()))) return "They differ by capital letters.";
  if (isEqualBy((name) => name.replace(/^https?:\/\//, ""))) return "They differ by http and https.";
  if (isEqualBy((name) => ENTRA.exec(name)?.slice(1).find(Boolean) ?? name)) {
    return "They are of one Entra tenant, as tokens of version 1 and of version 2 name it.";
  }
  return undefined;
}

function withoutSlash(name: string): string {
  return name.trim().replace(/\/$/, "");
}
