import type { IncomingHttpHeaders } from "node:http";
import { type ApolloServer, HeaderMap, type HTTPGraphQLResponse } from "@apollo/server";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { Authenticator, Refusal } from "../../auth/authenticator.ts";
import type { Caller } from "../../auth/caller.ts";
import type { AdmittedOperation, RequestedOperation } from "../../graphql/admission.ts";
import type { GraphQLContext } from "../../graphql/context.ts";
import { nestingProblem } from "../../graphql/documents/document-limits.ts";
import { currentOperation } from "../../telemetry/operation.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import {
  addressKey,
  type CallerRate,
  isSmall,
  looksLikeSchemaRequest,
  type Payer,
  payerOf,
  pointsForSize,
} from "../caller-rate.ts";
import { authenticationError, CallerError, HttpError } from "../http-errors.ts";
import type { AnswerBrowser } from "../playground/playground.ts";
import {
  checkEncoding,
  type GraphQLOverHttpRequest,
  MEDIA_TYPES,
  type MediaType,
  negotiateMediaType,
  readIdempotencyKey,
  readOperation,
} from "./graphql-request.ts";
import type { TrustedDocuments } from "./trusted-documents.ts";

export interface GraphQLRouteOptions {
  readonly path: string;
  readonly apollo: ApolloServer<GraphQLContext>;
  readonly createContext: (request: FastifyRequest, details: RequestDetails) => GraphQLContext;
  readonly admit: (operation: RequestedOperation, caller: Caller) => AdmittedOperation;
  readonly callerRate: CallerRate;
  readonly authenticator: Authenticator;
  readonly telemetry: Pick<Telemetry, "health" | "metrics" | "spans">;
  /** Receives rejected tokens. For each address, their rate is at most the caller rate. */
  readonly onRejectedToken: (refusal: Refusal, requestId: string) => void;
  /** Undefined if the gateway runs any document and accepts no document ids. */
  readonly trustedDocuments: TrustedDocuments | undefined;
  /** Undefined if browsers get the responses of every client. */
  readonly answerBrowser: AnswerBrowser | undefined;
}

/** The properties of a request that the GraphQL context needs. */
interface RequestDetails {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly mediaType: MediaType;
  readonly admitted: AdmittedOperation;
}

/** A request after the gateway has read its headers and before it reads its body. */
interface RequestHead {
  readonly caller: Caller;
  readonly payer: Payer;
  readonly mediaType: MediaType;
  /** The bytes that the connection had received before the body. */
  readonly bytesRead: number;
}

const OTHER_METHODS: HTTPMethods[] = ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

/** Serves GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/ */
export function registerGraphQLRoute(app: FastifyInstance, options: GraphQLRouteOptions): void {
  app.route({ method: OTHER_METHODS, url: options.path, handler: rejectMethod });
  const heads = new WeakMap<FastifyRequest, RequestHead>();
  // Hooks run before Fastify reads the body.
  const onRequest = async (request: FastifyRequest) =>
    void heads.set(request, await readHead(request, options));
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const head = heads.get(request);
    if (head === undefined) throw new Error("The request has no head.");
    return runOperation(request, reply, head, options);
  };
  const { answerBrowser } = options;
  const onGet = answerBrowser === undefined ? onRequest : [answerBrowser, onRequest];
  app.route({ method: "GET", url: options.path, exposeHeadRoute: false, onRequest: onGet, handler });
  app.route({ method: "POST", url: options.path, onRequest, handler });
}

export function rejectMethod(): never {
  const headers = { allow: "GET, POST" };
  throw new HttpError("METHOD_NOT_ALLOWED", "Send operations with POST, queries also with GET.", headers);
}

/** Runs the checks before the body: the headers, the caller, and the rate of a large request. */
async function readHead(
  request: FastifyRequest,
  { authenticator, callerRate, onRejectedToken, telemetry: { metrics } }: GraphQLRouteOptions,
): Promise<RequestHead> {
  const mediaType = checkHeaders(request);
  const { rawHeaders, socket } = request.raw;
  const { remoteAddress, bytesRead } = socket;
  const authentication = await authenticator.authenticate({ rawHeaders, remoteAddress });
  if ("refusal" in authentication) {
    metrics.record("rejected.tokens", 1, { reason: labelOf(authentication.refusal) });
    // A flood of invalid tokens must not flood the log.
    const waitMs = await callerRate.count(`rejected token at ${addressKey(remoteAddress)}`);
    if (waitMs === undefined) onRejectedToken(authentication, request.id);
    throw authenticationError(authentication);
  }
  const { caller } = authentication;
  const payer = payerOf(caller, remoteAddress);
  if (!isSmall(request)) rejectIfLimited(await callerRate.msUntilAllowed(payer.key));
  return { caller, payer, mediaType, bytesRead };
}

/** Returns a label for a sentence. The sentences are constants, so the labels are bounded. */
function labelOf(sentence: string): string {
  return sentence
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, "_")
    .replaceAll(/^_|_$/g, "");
}

/** Reads the body, counts the cost of the operation, and runs the operation with Apollo. */
async function runOperation(
  request: FastifyRequest,
  reply: FastifyReply,
  { caller, payer, mediaType, bytesRead }: RequestHead,
  { callerRate, trustedDocuments, telemetry: { spans }, admit, apollo, createContext }: GraphQLRouteOptions,
): Promise<unknown> {
  // Requests for the schema count separately. A flood from a router's address must not lock the router out.
  const looksLikeSchema = looksLikeSchemaRequest(request);
  const serviceKey = `_service ${payer.key}`;
  const points = 1 + pointsForSize(request, bytesRead) * payer.share;
  rejectIfLimited(await callerRate.count(looksLikeSchema ? serviceKey : payer.key, points));
  const idempotencyKey = readIdempotencyKey(request.headers["idempotency-key"]);
  const operation = findDocument(readOperation(request), trustedDocuments);
  const { query = "", operationName, variables } = operation;
  const problem = nestingProblem(query);
  if (problem !== undefined) throw new HttpError("BAD_REQUEST", problem);
  const admitted = admit({ query, operationName, variables }, caller);
  const { type } = admitted;
  if (type !== undefined) {
    const name = trustedDocuments?.isTrusted(query) ? operationName : undefined;
    currentOperation.getStore()?.enterGraphQL(type, spans?.start(type, graphqlAttributes(type, name)));
  }
  const isService = looksLikeSchema && admitted.isService;
  const effort = admitted.effort * payer.share + (looksLikeSchema && !isService ? 1 : 0);
  rejectIfLimited(await callerRate.count(isService ? serviceKey : payer.key, effort));
  const response = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: toApollo(request, operation, mediaType),
    context: async () => createContext(request, { caller, idempotencyKey, mediaType, admitted }),
  });
  return send(reply, response);
}

/** Returns the attributes of a span of GraphQL. Only the name of a trusted document is one that no caller chooses. */
function graphqlAttributes(type: string, name: string | undefined) {
  return {
    "graphql.operation.type": type,
    ...(name === undefined ? {} : { "graphql.operation.name": name }),
  };
}

/** Checks the headers and returns the media type of the response. @throws HttpError */
function checkHeaders({ method, headers }: FastifyRequest): MediaType {
  if (mayBeCsrf(method, headers)) {
    throw new HttpError(
      "CSRF_PREVENTED",
      "A page of another origin may have sent this request. Send JSON with content-type: application/json, or a GET " +
        "with graphql-require-preflight: 1.",
    );
  }
  const mediaType = negotiateMediaType(headers.accept);
  if (mediaType === undefined) {
    throw new HttpError("NOT_ACCEPTABLE", `The Accept header must allow ${MEDIA_TYPES.join(" or ")}.`);
  }
  if (method === "POST") checkEncoding(headers);
  // A browser may send a cross-origin GET with an unusual content-type without a preflight.
  else if (!/^\s*application\/json\s*(;|$)/i.test(headers["content-type"] ?? "application/json")) {
    throw new HttpError(
      "UNSUPPORTED_MEDIA_TYPE",
      "A GET request has no body. Remove its content-type header.",
    );
  }
  return mediaType;
}

function rejectIfLimited(waitMs: number | undefined): void {
  if (waitMs !== undefined) throw new CallerError("CALLER_RATE_LIMITED", "", waitMs);
}

function findDocument(
  operation: GraphQLOverHttpRequest,
  trustedDocuments: TrustedDocuments | undefined,
): GraphQLOverHttpRequest {
  if (trustedDocuments !== undefined) return trustedDocuments.resolve(operation);
  if (operation.query !== undefined) return operation;
  // Apollo's clients recognise this code and then send the query.
  throw new HttpError(
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "The gateway does not support persisted queries. Send the query text.",
  );
}

/**
 * Returns Apollo's form of a request. Apollo reads a GET's operation from its URL, so a trusted document goes there.
 */
function toApollo(
  { method, headers }: FastifyRequest,
  { documentId: _, ...operation }: GraphQLOverHttpRequest,
  mediaType: MediaType,
) {
  const given = Object.entries(operation).filter(([, value]) => value !== undefined);
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  // Otherwise Apollo would check both headers again, by stricter rules and with its own messages.
  map.set("accept", mediaType);
  map.delete("content-type");
  return {
    method,
    headers: map,
    body: Object.fromEntries(given),
    search: method === "GET" ? toSearch(given) : "",
  };
}

function toSearch(given: readonly (readonly [name: string, value: unknown])[]): string {
  const pairs = given.map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return `?${new URLSearchParams(pairs)}`;
}

function send(reply: FastifyReply, { status, headers, body }: HTTPGraphQLResponse): unknown {
  for (const [name, value] of headers) void reply.header(name, value);
  // The gateway does not offer incremental delivery.
  if (body.kind !== "complete") throw new Error("Apollo returned an incremental response.");
  return reply.status(status ?? 200).send(body.string);
}

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
export function mayBeCsrf(method: string, headers: IncomingHttpHeaders): boolean {
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
