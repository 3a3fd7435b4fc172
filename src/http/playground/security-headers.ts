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
