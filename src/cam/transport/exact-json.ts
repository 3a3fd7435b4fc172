/**
 * JSON with exact integers. Uins are 64-bit on CAM's wire, so a plain `JSON.parse` or a JS number would round
 * the large ones without a word.
 */

declare global {
  interface JSON {
    /** ECMAScript's JSON.parse source text access, which TypeScript's own library does not know yet. */
    rawJSON(text: string): { readonly rawJSON: string };
  }
}

/** The shortest integer that a JS number rounds has 16 digits. */
const MAY_HOLD_LARGE_INTEGER = /\d{16}/;

/** Parses JSON; an integer that a JS number cannot hold exactly becomes a bigint. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  // Looking at every value makes reading several times as slow, and hardly a reply of CAM's needs it.
  return MAY_HOLD_LARGE_INTEGER.test(text) ? JSON.parse(text, reviveExactly) : JSON.parse(text);
}

/** `context.source` is the literal as it stands in the text. */
function reviveExactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Serialises a decimal string of digits as a bare JSON integer, for use inside `JSON.stringify`. */
export function exactInteger(digits: string): { readonly rawJSON: string } {
  return JSON.rawJSON(digits);
}
