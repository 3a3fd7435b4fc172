import type { JWTPayload } from "jose";
import { isPrintable } from "./claims.ts";
import { nearMiss } from "./near-miss.ts";

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
