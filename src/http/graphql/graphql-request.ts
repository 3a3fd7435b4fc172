import type { HttpErrorCode } from "../http-error-catalogue.ts";
import { isJsonTooDeep, MAX_JSON_NESTING } from "./json-nesting.ts";
import { isWellFormed } from "./well-formed.ts";

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

/** What a request that is no operation has to change. */
export interface RequestProblem {
  readonly problem: string;
  /** BAD_REQUEST without it. */
  readonly code?: HttpErrorCode;
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
