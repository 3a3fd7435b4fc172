import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance } from "fastify";
import { isUtf16, utf8Text } from "../../utf8.ts";
import { partsOf } from "../accept-header.ts";
import type { RequestProblem } from "../http-errors.ts";

/** One operation as a client asks for it; https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
export interface GraphQLOverHttpRequest {
  /** Undefined where a trusted document is named instead. */
  readonly query: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly extensions: Readonly<Record<string, unknown>> | undefined;
  /** The id of a trusted document. */
  readonly documentId: string | undefined;
}

type Parameters = Readonly<Record<string, unknown>>;

/** Reads the body of a POST. */
export function readBody(body: unknown): GraphQLOverHttpRequest | RequestProblem {
  if (Array.isArray(body))
    return { problem: "Batching is off. Send each operation in a request of its own." };
  if (!isObject(body)) {
    return { problem: 'Send a JSON object with a query, for example {"query": "{ __typename }"}.' };
  }
  return read(body);
}

/** Reads the search part of a GET's address. */
export function readSearch(
  search: URLSearchParams | RequestProblem,
): GraphQLOverHttpRequest | RequestProblem {
  if ("problem" in search) return search;
  const parameters: Record<string, unknown> = {};
  for (const name of ["query", "operationName", "variables", "extensions", "documentId"]) {
    const values = search.getAll(name);
    if (values.length > 1) return { problem: `Give the search parameter ${name} once.` };
    if (values[0] !== undefined) parameters[name] = values[0];
  }
  for (const name of ["variables", "extensions"]) {
    if (parameters[name] === undefined) continue;
    try {
      parameters[name] = JSON.parse(withoutMark(parameters[name] as string));
    } catch {
      return { problem: `The search parameter ${name} is not valid JSON.` };
    }
  }
  return read(parameters);
}

function read(parameters: Parameters): GraphQLOverHttpRequest | RequestProblem {
  for (const name of ["query", "operationName", "documentId"]) {
    const value = parameters[name];
    if (!isAbsent(value) && typeof value !== "string") return { problem: `${name} has to be a string.` };
  }
  for (const name of ["variables", "extensions"]) {
    const value = parameters[name];
    if (!isAbsent(value) && !isObject(value)) return { problem: `${name} has to be a JSON object.` };
    if (isJsonTooDeep(value))
      return { problem: `${name} may nest ${MAX_JSON_NESTING} levels deep, no more.` };
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (!isWellFormed(value)) return { problem: `${name} has half of a surrogate pair in it.` };
  }
  const { query, operationName, variables, extensions, documentId } = parameters;
  const id = (documentId as string | null | undefined) ?? persistedQueryHash(extensions);
  if (!query && !id) {
    return { problem: 'The request has no query. POST a JSON object such as {"query": "{ __typename }"}.' };
  }
  return {
    query: withoutMark((query as string | null) ?? "") || undefined,
    operationName: (operationName as string | null) || undefined,
    variables: (variables as Parameters | null) ?? undefined,
    extensions: withoutPersistedQuery(extensions as Parameters | null | undefined),
    documentId: id ?? undefined,
  };
}

/** GraphQL ignores a byte order mark, but a trusted document is found by its whole text. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** Where Apollo's clients put the id of a persisted query. */
function persistedQueryHash(extensions: unknown): string | undefined {
  const persisted = isObject(extensions) ? extensions["persistedQuery"] : undefined;
  const hash = isObject(persisted) ? persisted["sha256Hash"] : undefined;
  return typeof hash === "string" ? hash : undefined;
}

/** It is dealt with here, and Apollo would refuse it. */
function withoutPersistedQuery(extensions: Parameters | null | undefined): Parameters | undefined {
  if (isAbsent(extensions)) return undefined;
  const { persistedQuery: _, ...others } = extensions as Parameters;
  return others;
}

function isObject(value: unknown): value is Parameters {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/**
 * Reads bodies of JSON from their bytes. Fastify would decode them first, and put a replacement character in the place of
 * every byte that is not UTF-8. A byte order mark is ignored (RFC 8259, section 8.1).
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const text = utf8Text(body);
    // Latin text in UTF-16 is UTF-8 as well, with a NUL beside each letter, which no JSON has.
    if (isUtf16(body)) done(notText("BODY_IS_UTF16"));
    else if (text === undefined) done(notText("BODY_NOT_UTF8"));
    else parse(request, text, done);
  });
}

function notText(code: string): Error {
  return Object.assign(new Error("The body is not text in UTF-8."), { code, statusCode: 400 });
}

/** The names of the one encoding of characters that JSON has, and of its part that everybody has. */
const CHARSETS = ["utf-8", "utf8", "us-ascii"];

/** Why a body cannot be read, by what its headers say of its encoding; undefined where it can. */
export function encodingProblem(headers: IncomingHttpHeaders): string | undefined {
  const coding = headers["content-encoding"]?.trim().toLowerCase();
  if (coding !== undefined && coding !== "" && coding !== "identity") {
    return "Send the operation without a content-encoding.";
  }
  const charsets = partsOf(headers["content-type"] ?? "", ";").flatMap((parameter) => {
    const [, quoted, plain] = /^charset\s*=\s*(?:"([^"]*)"|(\S*))$/i.exec(parameter) ?? [];
    return quoted ?? plain ?? [];
  });
  return charsets.every((charset) => CHARSETS.includes(charset.toLowerCase()))
    ? undefined
    : "Send the operation as application/json in UTF-8.";
}

/** A percent sign that encodes no byte stands for itself, as in https://url.spec.whatwg.org/#percent-decode. */
const LONE_PERCENT = /%(?![0-9a-f]{2})/gi;

/**
 * Returns the search parameters of a request's address. Decoders of addresses replace bytes that are not UTF-8, so
 * these are refused first, and so are bytes that are not percent-encoded, of which Node does not tell the encoding.
 */
export function readAddress(address: string): URLSearchParams | RequestProblem {
  const { search } = new URL(address, "http://gateway");
  if (/[^ -~]/.test(address))
    return { problem: "Percent-encode every byte of the address that is not ASCII." };
  try {
    decodeURIComponent(search.replace(LONE_PERCENT, "%25"));
  } catch {
    return { problem: "The address has percent-encoded bytes that are not UTF-8." };
  }
  return new URLSearchParams(search);
}

/** A representation of an entity nests five deep. */
export const MAX_JSON_NESTING = 100;

/** Whether a value of JSON has lists and objects within each other to more than this depth, of which most code is afraid. */
function isJsonTooDeep(value: unknown, depth = MAX_JSON_NESTING): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isJsonTooDeep(inner, depth - 1));
}

/**
 * Whether every string in a value of JSON is well-formed Unicode. Half of a surrogate pair, which JSON can escape, has no
 * form in UTF-8: the database would store a replacement character in its place.
 */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));
}

/** Printable ASCII without quote and backslash; long enough for any id that is in use. */
const BARE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/** The header as it can be used, or what is wrong with it. */
type IdempotencyKey = { readonly key: string | undefined } | { readonly problem: string };

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
