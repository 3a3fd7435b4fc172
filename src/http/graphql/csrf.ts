import type { IncomingHttpHeaders } from "node:http";

/** Headers that a page of another origin cannot send before a preflight, which this service never grants. */
const PREFLIGHTED_HEADERS = [
  "apollo-require-preflight",
  "graphql-require-preflight",
  "x-apollo-operation-name",
];

/** What a form can send, and with it any page; https://fetch.spec.whatwg.org/#cors-safelisted-request-header. */
const FORM_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/**
 * Whether a page of another origin may have made a browser send this, which then bears whatever the browser and its
 * network grant by themselves. Fetch Metadata says so where the browser knows it, which all do on HTTPS and on
 * localhost. Where it is missing, Origin says so, which they all add to a POST. Where both are, nothing speaks for a
 * browser but the headers that a page cannot send speak against one; a GET without them can only read.
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
