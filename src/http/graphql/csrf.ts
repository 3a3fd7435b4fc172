import type { IncomingHttpHeaders } from "node:http";

/** A page of another origin can send these headers only after a preflight, which the gateway never grants. */
const PREFLIGHTED_HEADERS = [
  "apollo-require-preflight",
  "graphql-require-preflight",
  "x-apollo-operation-name",
];

/** The types that a form of any page can send; https://fetch.spec.whatwg.org/#cors-safelisted-request-header. */
const FORM_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/**
 * Returns whether a page of another origin may have made a browser send the request, with the access that the browser and
 * its network have. Browsers on HTTPS or localhost say so by Fetch Metadata. Without it, the Origin header decides, which
 * browsers add to every POST. Without both, only a header that such a page cannot send proves another client; a GET without
 * them can only read.
 *
 * https://www.w3.org/TR/fetch-metadata/, https://web.dev/articles/fetch-metadata
 */
export function mayBeForged(method: string, headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site === "same-origin" || site === "none") return false;
  if (needsPreflight(headers)) return false;
  if (site !== undefined) return true;
  if (headers.origin !== undefined) return !isOwnOrigin(headers.origin, headers.host);
  return method !== "GET";
}

function needsPreflight(headers: IncomingHttpHeaders): boolean {
  if (PREFLIGHTED_HEADERS.some((name) => headers[name])) return true;
  const [type = ""] = (headers["content-type"] ?? "").split(";", 1);
  return type.trim() !== "" && !FORM_TYPES.includes(type.trim().toLowerCase());
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  // A sandboxed page has the origin "null".
  return URL.canParse(origin) && new URL(origin).host === host;
}
