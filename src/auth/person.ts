/**
 * Returns the same text for all spellings of one subject: NFKC, case folded, trimmed, each run of blanks as one. Subjects
 * are compared by it where two people have to be two, never where it would give anybody a right.
 */
export function personOf(subject: string): string {
  // Capitals first: toLowerCase alone would keep ß apart from ss, and two forms of the sigma apart.
  const folded = subject.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  return folded.replace(/\s+/gu, " ").trim();
}

interface Named {
  readonly subject: string;
}

/** Whether two callers may be one person, whatever issuers and clients they come by. */
export function isSamePerson(one: Named, other: Named): boolean {
  return personOf(one.subject) === personOf(other.subject);
}
