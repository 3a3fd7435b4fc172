/**
 * On every answer; the playground's page has a wider policy of its own. None of them matters to a program that calls
 * an API: they are for the day when a browser is led to show an answer, or to load it into another page.
 *
 * https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
const ALWAYS = {
  // JSON stays JSON, whatever an old browser makes of what is in it.
  "x-content-type-options": "nosniff",
  // An answer that is shown as a page runs nothing, loads nothing and stands in no frame.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  // Pages of other origins cannot embed it, not even to measure it.
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  // Who may see what is the next asker's own affair.
  "cache-control": "no-store",
} as const;

/** For a year no browser that was here talks to this name without TLS. */
const WITH_TLS = { "strict-transport-security": "max-age=31536000" } as const;

export type SecurityHeaders = typeof ALWAYS & Partial<typeof WITH_TLS>;

export function securityHeaders(hasTls: boolean): SecurityHeaders {
  return hasTls ? { ...ALWAYS, ...WITH_TLS } : ALWAYS;
}
