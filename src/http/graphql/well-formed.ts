/**
 * Whether every string in a value of JSON is well-formed Unicode. Half of a surrogate pair, which JSON can escape, has no
 * form in UTF-8: the database would store a replacement character in its place.
 */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));
}
