import type { JWTPayload } from "jose";
import { isPrintable } from "./claims.ts";

/** By whom a token is and for whom it is meant, beside what it would have to say. None of it is secret. */
export interface ClaimMismatch {
  readonly iss: string;
  readonly aud: string;
  readonly expectedIss: string;
  /** Undefined where the issuer is nobody's, so that nothing is expected of the rest. */
  readonly expectedAud: string | undefined;
  /** Where a name looks like an expected one: how they differ. */
  readonly hint: string | undefined;
}

/** More names than tokens have, and few enough for a line. */
const MOST_NAMES = 5;

/** For the log: whatever the token has there, it is short and can be printed. */
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
    iss: shown(iss),
    aud: namesOf(audiences),
    expectedIss: namesOf(expected.issuers),
    expectedAud: expected.audiences && namesOf(expected.audiences),
    hint: hints.find((hint) => hint !== undefined),
  };
}

function namesOf(names: readonly unknown[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return `${names.slice(0, MOST_NAMES).map(shown).join(", ")}${more}`;
}

/** A name as a token or a description has it, for a log line. */
export function shown(name: unknown): string {
  if (name === undefined) return "(none)";
  return isPrintable(name) ? name : "(no printable text of at most 256 letters)";
}

/** Microsoft Entra ID names its issuers so, where the part in the middle is the tenant. */
const ENTRA = /^https:\/\/(?:sts\.windows\.net\/([^/]+)\/|login\.microsoftonline\.com\/([^/]+)\/v2\.0)$/;

/** Says why a name that looks like an expected one is another, for operators. Undefined where none looks like it. */
export function nearMiss(given: unknown, expected: readonly string[]): string | undefined {
  if (typeof given !== "string") return undefined;
  const differs = (fold: (name: string) => string): boolean =>
    expected.some((one) => fold(one) === fold(given));
  if (differs(withoutSlash)) return "They differ by a slash at the end.";
  if (differs((name) => withoutSlash(name.toLowerCase()))) return "They differ by capital letters.";
  if (differs((name) => name.replace(/^https?:\/\//, ""))) return "They differ by http and https.";
  if (differs((name) => tenantOf(name) ?? name)) {
    return "They are of one Entra tenant, as tokens of version 1 and of version 2 name it.";
  }
  return undefined;
}

function withoutSlash(name: string): string {
  return name.trim().replace(/\/$/, "");
}

function tenantOf(name: string): string | undefined {
  const [, first, second] = ENTRA.exec(name) ?? [];
  return first ?? second;
}
