/**
 * Reads and writes JSON with exact integers. CAM sends Uins as 64-bit integers, and `JSON.parse` silently rounds the
 * large ones to JS numbers.
 */

declare global {
  interface JSON {
    /** ECMAScript's JSON.parse source text access, which TypeScript's own library does not declare yet. */
    rawJSON(text: string): { readonly rawJSON: string };
  }
}

/** The shortest integer that a JS number rounds has 16 digits. */
const MAY_HOLD_LARGE_INTEGER = /\d{16}/;

/** Parses JSON. An integer that a JS number cannot hold exactly becomes a bigint. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  // A reviver makes parsing several times as slow, and hardly any reply of CAM needs it.
  return MAY_HOLD_LARGE_INTEGER.test(text) ? JSON.parse(text, reviveExactly) : JSON.parse(text);
}

/** Returns a bigint for an integer that is not exact. `context.source` is the literal from the text. */
function reviveExactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Returns an object that `JSON.stringify` writes as a bare integer with these digits. */
export function exactInteger(digits: string): { readonly rawJSON: string } {
  return JSON.rawJSON(digits);
}
