import type { CallerIdentity } from "../caller.ts";
import { matchesSome } from "./glob.ts";
import type { CallerPatterns } from "./policy.ts";

/** To the letter, as tokens are compared: what looks the same may be somebody else. */
export function matchesCaller(
  { subjects, clients, issuers }: CallerPatterns,
  { subject, client, issuer }: CallerIdentity,
): boolean {
  return matches(subjects, subject) && matches(clients, client) && matches(issuers, issuer);
}

function matches(patterns: readonly string[] | undefined, name: string | undefined): boolean {
  return patterns === undefined || (name !== undefined && matchesSome(patterns, name));
}
