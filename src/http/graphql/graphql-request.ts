import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Negotiator from "negotiator";
import { isUtf16, utf8Text } from "../../utf8.ts";
import { HttpError } from "../http-errors.ts";

/** One operation as a client sends it: https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
export interface GraphQLOverHttpRequest {
  /** Undefined if the request names a trusted document instead. */
  readonly query: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Parameters | undefined;
  readonly extensions: Parameters | undefined;
  /** The id of a trusted document. */
  readonly documentId: string | undefined;
}

type Parameters = Readonly<Record<string, unknown>>;

const EXAMPLE = '{"query": "{ __typename }"}';

/** Reads the operation of a GET or POST. @throws HttpError */
export function readOperation({ method, url, body }: FastifyRequest): GraphQLOverHttpRequest {
  const parameters = method === "GET" ? readSearch(url) : readBody(body);
  for (const name of ["query", "operationName", "documentId"]) {
    if (typeof (parameters[name] ?? "") !== "string") throw badRequest(`${name} must be a string.`);
  }
  for (const name of ["variables", "extensions"]) {
    const value = parameters[name] ?? {};
    if (!isObject(value)) throw badRequest(`${name} must be a JSON object.`);
    if (isTooDeep(value)) throw badRequest(`${name} may nest at most ${MAX_JSON_NESTING} levels deep.`);
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (!isWellFormed(value)) throw badRequest(`${name} contains half of a surrogate pair.`);
  }
  const { query, operationName, variables, extensions, documentId } = parameters as {
    readonly [name in keyof GraphQLOverHttpRequest]: GraphQLOverHttpRequest[name] | null;
  };
  const { persistedQuery, ...otherExtensions } = extensions ?? {};
  const id = documentId ?? persistedQueryHash(persistedQuery);
  if (!query && !id) throw badRequest(`The request has no query. POST a JSON object such as ${EXAMPLE}.`);
  return {
    query: withoutMark(query ?? "") || undefined,
    operationName: operationName || undefined,
    variables: variables ?? undefined,
    // Apollo would reject the persisted query, which the gateway handles itself.
    extensions: extensions ? otherExtensions : undefined,
    documentId: id,
  };
}

function readBody(body: unknown): Parameters {
  if (Array.isArray(body)) {
    throw badRequest("The gateway does not support batches. Send each operation in its own request.");
  }
  if (!isObject(body)) throw badRequest(`Send a JSON object with a query, for example ${EXAMPLE}.`);
  return body;
}

function readSearch(url: string): Parameters {
  const search = searchParameters(url);
  const parameters: Record<string, unknown> = {};
  for (const name of ["query", "operationName", "variables", "extensions", "documentId"]) {
    const [value, ...more] = search.getAll(name);
    if (more.length > 0) throw badRequest(`Give the search parameter ${name} once.`);
    if (value !== undefined) parameters[name] = value;
  }
  for (const name of ["variables", "extensions"]) {
    if (parameters[name] === undefined) continue;
    try {
      parameters[name] = JSON.parse(withoutMark(parameters[name] as string));
    } catch {
      throw badRequest(`The search parameter ${name} is not valid JSON.`);
    }
  }
  return parameters;
}

/**
 * Matches a percent sign that does not encode a byte. It means itself, as in
 * https://url.spec.whatwg.org/#percent-decode.
 */
const LONE_PERCENT = /%(?![0-9a-f]{2})/gi;

/**
 * Returns the search parameters of a URL. Rejects bytes that are not UTF-8, because URLSearchParams would replace them.
 * Rejects raw bytes that are not ASCII, because their encoding is unknown.
 */
function searchParameters(url: string): URLSearchParams {
  const { search } = new URL(url, "http://gateway");
  if (/[^ -~]/.test(url)) throw badRequest("Percent-encode every byte of the URL that is not ASCII.");
  try {
    decodeURIComponent(search.replace(LONE_PERCENT, "%25"));
  } catch {
    throw badRequest("The URL has percent-encoded bytes that are not UTF-8.");
  }
  return new URLSearchParams(search);
}

/**
 * Reads JSON bodies from their bytes. Fastify would decode them first and replace every byte that is not UTF-8. Ignores
 * a byte order mark (RFC 8259, section 8.1).
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const text = utf8Text(body);
    // Latin text in UTF-16 is also valid UTF-8. It has a NUL byte after each letter, and JSON never contains one.
    if (isUtf16(body)) done(badRequest("The request body is UTF-16. Send it as UTF-8."));
    else if (text === undefined) done(badRequest("The request body is not UTF-8."));
    else parse(request, text, done);
  });
}

/** The accepted charsets. JSON is UTF-8, and US-ASCII is a subset of UTF-8. */
const CHARSETS = ["utf-8", "utf8", "us-ascii"];

/** Rejects a POST whose headers announce an encoding that the gateway does not read. @throws HttpError */
export function checkEncoding(headers: IncomingHttpHeaders): void {
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    throw new HttpError("UNSUPPORTED_MEDIA_TYPE", "Send the operation without a content-encoding.");
  }
  const charsets = splitHeader(headers["content-type"] ?? "", ";").flatMap((parameter) => {
    const [, quoted, plain] = /^charset\s*=\s*(?:"([^"]*)"|(\S*))$/i.exec(parameter) ?? [];
    return quoted ?? plain ?? [];
  });
  if (charsets.every((charset) => CHARSETS.includes(charset.toLowerCase()))) return;
  throw new HttpError("UNSUPPORTED_MEDIA_TYPE", "Send the operation as application/json in UTF-8.");
}

/** Printable ASCII without spaces, quotes and backslashes, long enough for every usual kind of id. */
const IDEMPOTENCY_KEY = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/**
 * Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a quoted string, or the same
 * string without quotes, which most clients send. @throws HttpError
 */
export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = Array.isArray(header) ? header.join(", ") : header.trim();
  const key = /^"(.*)"$/s.exec(text)?.[1] ?? text;
  if (IDEMPOTENCY_KEY.test(key)) return key;
  throw badRequest(
    "Idempotency-Key must be 1 to 200 printable characters without spaces, for example a UUID.",
  );
}

/** The most levels of variables and extensions. The representation of an entity has five. */
export const MAX_JSON_NESTING = 100;

/** Returns whether lists and objects nest deeper than MAX_JSON_NESTING. Most code walks nested values by recursion. */
function isTooDeep(value: unknown, depth = MAX_JSON_NESTING): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isTooDeep(inner, depth - 1));
}

/**
 * Returns whether every string in a JSON value is well-formed Unicode. JSON can escape half of a surrogate pair. UTF-8
 * cannot express it, so the database would store a replacement character.
 */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));
}

/** Removes a byte order mark. GraphQL ignores it, but the gateway looks up a trusted document by its whole text. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** Returns the id of a persisted query from `extensions.persistedQuery`, where Apollo's clients put it. */
function persistedQueryHash(persistedQuery: unknown): string | undefined {
  const hash = isObject(persistedQuery) ? persistedQuery["sha256Hash"] : undefined;
  return typeof hash === "string" ? hash : undefined;
}

function isObject(value: unknown): value is Parameters {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function badRequest(message: string): HttpError {
  return new HttpError("BAD_REQUEST", message);
}

/** The media types of a GraphQL response: https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
export const MEDIA_TYPES = ["application/json", "application/graphql-response+json"] as const;

export type MediaType = (typeof MEDIA_TYPES)[number];

/**
 * Returns the media type that the Accept header prefers, or undefined if it allows none. Returns JSON if the header is
 * missing, empty or has no media range. RFC 9110 permits a server to ignore that header.
 */
export function negotiateMediaType(accept: string | undefined): MediaType | undefined {
  const ranges = mediaRanges(accept);
  if (ranges.length === 0) return MEDIA_TYPES[0];
  // An invalid weight counts as 1.
  const weighted = ranges.map(({ type, weight }) => `${type};q=${Number.isNaN(weight) ? 1 : weight}`);
  const negotiator = new Negotiator({ headers: { accept: weighted.join() } });
  return negotiator.mediaType([...MEDIA_TYPES]) as MediaType | undefined;
}

/**
 * Returns whether an Accept header requests a page instead of data: it names `text/html` and ranks it above every data
 * type. Browsers do so when a person opens an address. `*\/*` alone (curl, most HTTP libraries) requests data.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = mediaRanges(accept);
  const weightOf = (name: string) => ranges.findLast(({ type }) => type === name)?.weight ?? 0;
  return weightOf("text/html") > Math.max(...[...MEDIA_TYPES, "text/event-stream"].map(weightOf));
}

interface MediaRange {
  readonly type: string;
  /** From 0 to 1. NaN if the header has another value. */
  readonly weight: number;
}

/** RFC 9110, section 12.5.1: both parts are tokens, or the second or both are `*`. */
const RANGE = /^(?:\*\/\*|(?!\*\/)[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)$/;

/**
 * Returns the media ranges without their parameters. A parameter requests a variant of a type, and the gateway sends
 * each type in one variant only. Omits a range that refuses a variant which the gateway does not send, because it does
 * not refuse the type.
 */
function mediaRanges(accept = ""): readonly MediaRange[] {
  return splitHeader(accept, ",").flatMap((element) => {
    const [range = "", ...parameters] = splitHeader(element, ";").filter(Boolean);
    if (!RANGE.test(range)) return [];
    const at = parameters.findIndex((parameter) => /^q\s*=/i.test(parameter));
    const weight = at === -1 ? 1 : readWeight(parameters[at] ?? "");
    const variant = parameters.slice(0, at === -1 ? parameters.length : at);
    const isOurs = variant.every((parameter) => /^charset="?utf-8"?$/i.test(parameter));
    return weight === 0 && !isOurs ? [] : [{ type: range.toLowerCase(), weight }];
  });
}

function readWeight(parameter: string): number {
  const text = parameter.slice(parameter.indexOf("=") + 1).trim();
  return text === "" ? Number.NaN : Math.min(1, Math.max(0, Number(text)));
}

/** Splits a header at each separator outside quoted strings. */
function splitHeader(text: string, separator: "," | ";"): readonly string[] {
  const part = separator === "," ? /(?:[^,"]|"(?:\\.|[^"\\])*"?)+/g : /(?:[^;"]|"(?:\\.|[^"\\])*"?)+/g;
  return (text.match(part) ?? []).map((found) => found.trim());
}
