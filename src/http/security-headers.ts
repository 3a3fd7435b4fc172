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

/**
 * The page runs only what this process serves and talks only to it.
 *
 * Styles are the one concession, and half of one. Monaco writes `style="…"` attributes into the markup of every
 * line it draws, which only `'unsafe-inline'` permits. It also creates `<style>` elements, but those the page can
 * stamp with a nonce, so style sheets stay restricted. What an injected style attribute could do is bounded by
 * the other directives: it cannot load or send anything beyond this origin.
 */
export function contentSecurityPolicy(styleNonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `style-src 'self' 'nonce-${styleNonce}'`,
    "style-src-attr 'unsafe-inline'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/** A worker is governed by the policy on its own script, not by the page's. Ours only import and compute. */
export const assetContentSecurityPolicy = "default-src 'none'; script-src 'self'; frame-ancestors 'none'";

export const commonSecurityHeaders = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
} as const;
