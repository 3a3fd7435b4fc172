/**
 * The headers of every response. API clients ignore them. They protect a browser that shows a response, or loads it
 * into another page. https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 *
 * One table serves Fastify, Node's own responses (node-server.ts) and bytes written to a socket.
 */
const API_HEADERS = {
  // Browsers must not guess another type than JSON.
  "x-content-type-options": "nosniff",
  // A browser that shows a response as a page runs nothing, loads nothing and permits no frame.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  // Pages of other origins cannot embed a response, and so cannot measure its size.
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  // A response depends on the caller.
  "cache-control": "no-store",
} as const;

/** With TLS, a browser uses only HTTPS for this host name for a year. */
const TLS_HEADERS = { "strict-transport-security": "max-age=31536000" } as const;

export type SecurityHeaders = typeof API_HEADERS & Partial<typeof TLS_HEADERS>;

export function securityHeaders(hasTls: boolean): SecurityHeaders {
  return hasTls ? { ...API_HEADERS, ...TLS_HEADERS } : API_HEADERS;
}

/** The headers that the pages add to API_HEADERS or override. */
const PAGE_HEADERS = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
} as const;

/** Returns the headers of a page, whose policy permits its scripts and these directives only. */
function pageHeaders(directives: readonly string[]): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    ...directives,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return { ...PAGE_HEADERS, "content-security-policy": policy.join("; "), "cache-control": "no-store" };
}

/**
 * Returns the headers of the playground's page, which runs only files of this process and connects only to it.
 *
 * Monaco writes `style="…"` attributes into every line that it draws, which only `'unsafe-inline'` permits. Style
 * sheets stay restricted, because the page gives its `<style>` elements the nonce. The other directives prevent an
 * injected style attribute from loading or sending anything outside this origin.
 */
export function playgroundPageHeaders(styleNonce: string): Readonly<Record<string, string>> {
  return pageHeaders([
    "worker-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `style-src 'self' 'nonce-${styleNonce}'`,
    "style-src-attr 'unsafe-inline'",
  ]);
}

/**
 * Returns the headers of the console's page, which runs only files of this process and connects only to it and, to sign in,
 * to the issuer.
 */
export function consolePageHeaders(issuerOrigin: string | undefined): Readonly<Record<string, string>> {
  return pageHeaders([
    `connect-src 'self'${issuerOrigin === undefined ? "" : ` ${issuerOrigin}`}`,
    "img-src 'self'",
    "style-src 'self'",
  ]);
}

/** The headers of the pages' files. A worker obeys the policy of its own script, not the page's. */
export const pageAssetHeaders = {
  ...PAGE_HEADERS,
  "content-security-policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
} as const;
