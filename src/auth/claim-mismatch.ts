import type { JWTPayload } from "jose";
import { isPrintable } from "./caller.ts";

/** The issuer and audience of a rejected token, and the expected ones. It contains no secret. */
export interface ClaimMismatch {
  readonly iss: string;
  readonly aud: string;
  readonly expectedIss: string;
  /** Undefined for an unknown issuer, because only a known issuer has expected audiences. */
  readonly expectedAud: string | undefined;
  /** The difference between a name and a similar expected name. */
  readonly hint: string | undefined;
}

/** The most names in a text: enough for real tokens, and few enough for a log line. */
const MAX_NAMES = 5;

/** Returns the mismatch for the log, in short and printable texts. */
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

/** Returns a name from a token or discovery document, or a text for a name that is not printable. */
export function printable(name: unknown): string {
  if (name === undefined) return "(none)";
  return isPrintable(name) ? name : "(no printable text of at most 256 letters)";
}

/** The issuer names of Microsoft Entra ID. The part in the middle is the tenant. */
const ENTRA = /^https:\/\/(?:sts\.windows\.net\/([^/]+)\/|login\.microsoftonline\.com\/([^/]+)\/v2\.0)$/;

/** Describes the difference between a name and a similar expected name. Returns undefined if no name is similar. */
export function nearMiss(given: unknown, expected: readonly string[]): string | undefined {
  if (typeof given !== "string") return undefined;
  const isEqualBy = (fold: (name: string) => string): boolean =>
    expected.some((one) => fold(one) === fold(given));
  if (isEqualBy(withoutSlash)) return "They differ by a slash at the end.";
  if (isEqualBy((name) => withoutSlash(name.toLowerCase()))) return "They differ by capital letters.";
  if (isEqualBy((name) => name.replace(/^https?:\/\//, ""))) return "They differ by http and https.";
  if (isEqualBy((name) => ENTRA.exec(name)?.slice(1).find(Boolean) ?? name)) {
    return "They name one Entra tenant, in tokens of version 1 and version 2.";
  }
  return undefined;
}

function withoutSlash(name: string): string {
  return name.trim().replace(/\/$/, "");
}
