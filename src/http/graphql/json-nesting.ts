/** A representation of an entity nests five deep. */
export const MAX_JSON_NESTING = 100;

/** Whether a value of JSON has lists and objects within each other to more than this depth, of which most code is afraid. */
export function isJsonTooDeep(value: unknown, depth = MAX_JSON_NESTING): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isJsonTooDeep(inner, depth - 1));
}
