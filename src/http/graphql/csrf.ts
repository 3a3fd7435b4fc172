import type { IncomingHttpHeaders } from "node:http";

/** A page of another origin can send these headers only after a preflight, and the gateway grants none. */
const PREFLIGHTED_HEADERS = [
  "apollo-require-preflight",
  "graphql-require-preflight",
  "x-apollo-operation-name",
];

/** The types that a form of any page can send: https://fetch.spec.whatwg.org/#cors-safelisted-request-header. */
const FORM_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/**
 * Returns whether a page of another origin may have caused a browser to send the request, with the access of the
 * browser and its network. On HTTPS and localhost, the browser's Fetch Metadata decides. Without it, the Origin header
 * decides, which browsers add to every POST.
 *
 * A header that a page of another origin cannot send always proves another client. Without all three, only a GET
 * passes, because it can only read.
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
