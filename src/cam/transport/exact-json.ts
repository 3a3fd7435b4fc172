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

/** Parses JSON; an integer that a JS number cannot hold exactly becomes a bigint. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, reviveExactly);
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
