import { type ApolloServer, HeaderMap, type HTTPGraphQLResponse } from "@apollo/server";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { Authenticator, Refusal } from "../../auth/authenticator.ts";
import type { Caller } from "../../auth/caller.ts";
import type { GraphQLContext } from "../../graphql/context.ts";
import { MAX_NESTING, nestsTooDeep } from "../../graphql/limits/document-nesting.ts";
import type { CallerRate } from "../caller-rate.ts";
import type { HttpErrorCode } from "../http-error-catalogue.ts";
import { parseIdempotencyKey } from "../idempotency-key.ts";
import { encodingProblem } from "./body-encoding.ts";
import { mayBeForged } from "./csrf.ts";
import { type GraphQLOverHttpRequest, type RequestProblem, readBody, readSearch } from "./graphql-request.ts";
import { MEDIA_TYPES, type MediaType, negotiateMediaType } from "./media-type.ts";
import { readAddress } from "./read-address.ts";
import { refuse, refuseBusyCaller, refuseProblem, refuseUnbelieved } from "./refusals.ts";
import type { TrustedDocuments } from "./trusted-documents.ts";

export interface GraphQLRouteOptions {
  readonly path: string;
  readonly apollo: ApolloServer<GraphQLContext>;
  readonly createContext: (request: FastifyRequest, details: RequestDetails) => GraphQLContext;
  readonly callerRate: CallerRate;
  readonly authenticator: Authenticator;
  /** Hears of requests whose proof of who asks is not believed, of one address as often as one caller may ask. */
  readonly onUnbelieved: (refusal: Refusal, requestId: string) => void;
  /** Undefined where any document is run, and none has an id. */
  readonly trustedDocuments: TrustedDocuments | undefined;
}

/** What the route has learnt from the request's headers. */
export interface RequestDetails {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly mediaType: GraphQLContext["mediaType"];
}

/** Apollo's clients know this one by its code and then send the whole query. */
const NO_PERSISTED_QUERIES: RequestProblem = {
  problem: "Persisted queries are off here. Send the whole query.",
  code: "PERSISTED_QUERY_NOT_SUPPORTED",
};

const OTHER_METHODS: HTTPMethods[] = ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

/** GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/ */
export function registerGraphQLRoute(app: FastifyInstance, options: GraphQLRouteOptions): void {
  app.route({
    method: OTHER_METHODS,
    url: options.path,
    handler: refuseMethod,
  });
  app.route({
    method: ["GET", "POST"],
    url: options.path,
    exposeHeadRoute: false,
    // Before the body is read.
    onRequest: async (request, reply) => {
      const refusal = refusalByHeaders(request);
      if (refusal !== undefined) await refuse(request, reply, ...refusal);
    },
    handler: (request, reply) => answer(request, reply, options),
  });
}

export function refuseMethod(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const message = "Send operations with POST, queries also with GET.";
  return refuse(request, reply.header("allow", "GET, POST"), "METHOD_NOT_ALLOWED", message);
}

function refusalByHeaders({
  method,
  headers,
}: FastifyRequest): readonly [code: HttpErrorCode, message: string] | undefined {
  if (mayBeForged(method, headers)) {
    return [
      "CSRF_PREVENTED",
      "A page of another origin may have sent this. Send JSON with content-type: application/json, or a GET with " +
        "graphql-require-preflight: 1.",
    ];
  }
  if (negotiateMediaType(headers.accept) === undefined) {
    return ["NOT_ACCEPTABLE", `Answers come as ${MEDIA_TYPES.join(" or ")}.`];
  }
  const problem = method === "POST" ? encodingProblem(headers) : contentTypeProblem(headers["content-type"]);
  return problem === undefined ? undefined : ["UNSUPPORTED_MEDIA_TYPE", problem];
}

/** A browser may take an odd content-type for a harmless one, and send a GET of another origin without a preflight. */
function contentTypeProblem(contentType: string | undefined): string | undefined {
  if (contentType === undefined || /^\s*application\/json\s*(;|$)/i.test(contentType)) return undefined;
  return "A GET has no content. Leave out its content-type.";
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  options: GraphQLRouteOptions,
): Promise<unknown> {
  const { rawHeaders, socket } = request.raw;
  const remoteAddress = socket.remoteAddress;
  const authentication = await options.authenticator.authenticate({ rawHeaders, remoteAddress });
  if ("refusal" in authentication) {
    // Whoever sends bad tokens by the thousand fills no log with them.
    const tooManyMs = await options.callerRate.count(`unbelieved at ${remoteAddress}`);
    if (tooManyMs === undefined) options.onUnbelieved(authentication, request.id);
    return refuseUnbelieved(request, reply, authentication);
  }
  const { caller } = authentication;
  const retryAfterMs = await options.callerRate.count(`${caller.issuer ?? ""} ${caller.subject}`);
  if (retryAfterMs !== undefined) return refuseBusyCaller(request, reply, retryAfterMs);
  const mediaType = negotiateMediaType(request.headers.accept) ?? MEDIA_TYPES[0];
  const idempotencyKey = parseIdempotencyKey(request.headers["idempotency-key"]);
  if ("problem" in idempotencyKey) return refuseProblem(request, reply, idempotencyKey);
  const operation = readOperation(request, options.trustedDocuments);
  if ("problem" in operation) return refuseProblem(request, reply, operation);
  if (operation.query !== undefined && nestsTooDeep(operation.query)) {
    return refuseProblem(request, reply, {
      problem: `A query may nest ${MAX_NESTING} levels deep, no more.`,
    });
  }
  const details = { caller, idempotencyKey: idempotencyKey.key, mediaType };
  const response = await options.apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: toApollo(request, operation, mediaType),
    context: async () => options.createContext(request, details),
  });
  return send(reply, response);
}

function readOperation(
  request: FastifyRequest,
  trustedDocuments: TrustedDocuments | undefined,
): GraphQLOverHttpRequest | RequestProblem {
  const operation = request.method === "GET" ? readSearch(readAddress(request.url)) : readBody(request.body);
  if ("problem" in operation) return operation;
  if (trustedDocuments !== undefined) return trustedDocuments.resolve(operation);
  if (operation.query !== undefined) return operation;
  return NO_PERSISTED_QUERIES;
}

/** Apollo reads a GET's operation from its address, so the document that an id stood for goes there. */
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
  // Apollo would judge the headers again, by stricter rules and in its own words.
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
  const search = new URLSearchParams();
  for (const [name, value] of given) {
    search.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return `?${search}`;
}

function send(reply: FastifyReply, { status, headers, body }: HTTPGraphQLResponse): unknown {
  for (const [name, value] of headers) void reply.header(name, value);
  // Incremental delivery is not offered, so every answer is complete.
  if (body.kind !== "complete") throw new Error("An answer in parts was not to be expected.");
  return reply.status(status ?? 200).send(body.string);
}
