/** Printable ASCII without quote and backslash; long enough for any id that is in use. */
const BARE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/** The header as it can be used, or what is wrong with it. */
export type IdempotencyKey = { readonly key: string | undefined } | { readonly problem: string };

/**
 * Reads Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a quoted string, or as most clients send it,
 * the same without quotes.
 */
export function parseIdempotencyKey(header: string | string[] | undefined): IdempotencyKey {
  if (header === undefined) return { key: undefined };
  const text = Array.isArray(header) ? header.join(", ") : header.trim();
  const key = /^"(.*)"$/s.exec(text)?.[1] ?? text;
  if (BARE.test(key)) return { key };
  return {
    problem: "Idempotency-Key must be 1 to 200 printable characters without spaces, for example a UUID.",
  };
}
