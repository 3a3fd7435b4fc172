import { type ApolloServer, HeaderMap, type HTTPGraphQLResponse } from "@apollo/server";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { Authenticator, Refusal } from "../../auth/authenticator.ts";
import type { Caller } from "../../auth/caller.ts";
import type { AdmittedOperation, AskedOperation } from "../../graphql/admission.ts";
import type { GraphQLContext } from "../../graphql/context.ts";
import { nestingProblem } from "../../graphql/documents/document-limits.ts";
import { MEDIA_TYPES, type MediaType, negotiateMediaType } from "../accept-header.ts";
import type { CallerRate } from "../caller-rate.ts";
import {
  addressKey,
  bytesPoints,
  isSmall,
  type Payer,
  payerOf,
  seemsToAskForService,
} from "../caller-rate.ts";
import type { HttpErrorCode } from "../http-errors.ts";
import {
  type RequestProblem,
  refuse,
  refuseBusyCaller,
  refuseProblem,
  refuseRejectedToken,
} from "../http-errors.ts";
import { mayBeForged } from "./csrf.ts";
import {
  encodingProblem,
  type GraphQLOverHttpRequest,
  parseIdempotencyKey,
  readAddress,
  readBody,
  readSearch,
} from "./graphql-request.ts";
import type { TrustedDocuments } from "./trusted-documents.ts";

export interface GraphQLRouteOptions {
  readonly path: string;
  readonly apollo: ApolloServer<GraphQLContext>;
  readonly createContext: (request: FastifyRequest, details: RequestDetails) => GraphQLContext;
  readonly admit: (operation: AskedOperation, caller: Caller) => AdmittedOperation;
  readonly callerRate: CallerRate;
  readonly authenticator: Authenticator;
  /** Hears of requests whose proof of who asks is not believed, of one address as often as one caller may ask. */
  readonly onRejectedToken: (refusal: Refusal, requestId: string) => void;
  /** Undefined where any document is run, and none has an id. */
  readonly trustedDocuments: TrustedDocuments | undefined;
}

/** What the route has learnt from the request's headers. */
export interface RequestDetails {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly mediaType: GraphQLContext["mediaType"];
  readonly admitted: AdmittedOperation;
}

/** A request of which the headers are read, and not the body. */
interface Received {
  readonly caller: Caller;
  readonly payer: Payer;
  /** Bytes that the connection had brought by then. */
  readonly bytesRead: number;
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
  const received = new WeakMap<FastifyRequest, Received>();
  app.route({
    method: ["GET", "POST"],
    url: options.path,
    exposeHeadRoute: false,
    // Before the body is read.
    onRequest: async (request, reply) => {
      const head = await receive(request, reply, options);
      if (head !== undefined) received.set(request, head);
    },
    handler: (request, reply) => {
      const head = received.get(request);
      if (head === undefined) throw new Error("A request was handled that was refused.");
      return answer(request, reply, head, options);
    },
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

/** Looks at what comes before the body, so that nobody's body is read in vain. */
async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  { authenticator, callerRate, onRejectedToken }: GraphQLRouteOptions,
): Promise<Received | undefined> {
  const refusal = refusalByHeaders(request);
  if (refusal !== undefined) {
    await refuse(request, reply, ...refusal);
    return undefined;
  }
  const { rawHeaders, socket } = request.raw;
  const { remoteAddress, bytesRead } = socket;
  const authentication = await authenticator.authenticate({ rawHeaders, remoteAddress });
  if ("refusal" in authentication) {
    // Whoever sends bad tokens by the thousand fills no log with them.
    const tooManyMs = await callerRate.count(`unbelieved at ${addressKey(remoteAddress ?? "")}`);
    if (tooManyMs === undefined) onRejectedToken(authentication, request.id);
    await refuseRejectedToken(request, reply, authentication);
    return undefined;
  }
  const { caller } = authentication;
  const payer = payerOf(caller, remoteAddress);
  const retryAfterMs = isSmall(request) ? undefined : await callerRate.waitOf(payer.key);
  if (retryAfterMs === undefined) return { caller, payer, bytesRead };
  await refuseBusyCaller(request, reply, retryAfterMs);
  return undefined;
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { caller, payer, bytesRead }: Received,
  options: GraphQLRouteOptions,
): Promise<unknown> {
  const { callerRate } = options;
  // A flood of other requests from a router's address does not keep the router from the schema.
  const seemsService = seemsToAskForService(request);
  const serviceKey = `_service ${payer.key}`;
  const points = 1 + bytesPoints(request, bytesRead) * payer.share;
  const tooManyMs = await callerRate.count(seemsService ? serviceKey : payer.key, points);
  if (tooManyMs !== undefined) return refuseBusyCaller(request, reply, tooManyMs);
  const mediaType = negotiateMediaType(request.headers.accept) ?? MEDIA_TYPES[0];
  const idempotencyKey = parseIdempotencyKey(request.headers["idempotency-key"]);
  if ("problem" in idempotencyKey) return refuseProblem(request, reply, idempotencyKey);
  const operation = readOperation(request, options.trustedDocuments);
  if ("problem" in operation) return refuseProblem(request, reply, operation);
  const { query = "", operationName, variables } = operation;
  const problem = nestingProblem(query);
  if (problem !== undefined) return refuseProblem(request, reply, { problem });
  const admitted = options.admit({ query, operationName, variables }, caller);
  const isService = seemsService && admitted.isService;
  const further = admitted.effort * payer.share + (seemsService && !isService ? 1 : 0);
  const tooDearMs = await callerRate.count(isService ? serviceKey : payer.key, further);
  if (tooDearMs !== undefined) return refuseBusyCaller(request, reply, tooDearMs);
  const details = { caller, idempotencyKey: idempotencyKey.key, mediaType, admitted };
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
