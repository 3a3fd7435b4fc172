import type { RouterId } from "../../src/cli/doctor/router-guides.ts";

/** The facts of a router on docs/consumers/routers.md, in addition to its configuration. */
export interface RouterFacts {
  readonly byDefault: readonly string[];
  /** Limits and needs of the configuration. */
  readonly remarks: readonly string[];
  /** When the router sends a mutation twice. */
  readonly retries: readonly string[];
  /** The vendor's pages. */
  readonly sources: readonly string[];
}

export const ROUTER_FACTS: Readonly<Record<RouterId, RouterFacts>> = {
  "apollo-router": {
    byDefault: [
      'It replaces `message` by "Subgraph errors redacted" and removes all of `extensions`, `code` included.',
      "It keeps `path`, so a client sees only which field failed.",
    ],
    remarks: [
      "`all: true` also keeps errors whole, for every subgraph, and adds `extensions.service`.",
      "Lists for single keys need version 2 of the router.",
      "Without a licence of GraphOS it does not start with a graph that has `@authenticated` or `@requiresScopes`. Compose the graph without them. The gateway enforces its rules itself.",
      "Token verification, cost limits and trusted documents need a licence too. They could not be recorded.",
      "If it cannot reach the gateway, loses its answer or stops waiting, its error has the code `SUBREQUEST_HTTP_ERROR`, or none by default, and an empty path. The record then has the outcome of the change (`mfaChanges`).",
      "It forwards no `traceparent` of a client while its own tracing is off.",
    ],
    retries: [
      "Version 2 retries nothing, and no request whose answer it lost. In version 1, leave `experimental_retry.retry_mutations` at false, its default.",
    ],
    sources: [
      "https://www.apollographql.com/docs/graphos/routing/observability/subgraph-error-inclusion",
      "https://github.com/apollographql/router/blob/dev/apollo-router/src/plugins/include_subgraph_errors/mod.rs",
    ],
  },
  "apollo-gateway": {
    byDefault: [
      "It keeps `message`, `path` and all of `extensions`, and adds `extensions.serviceName`.",
      "It forwards no header of the client.",
    ],
    remarks: [
      "Errors need no configuration. Headers do.",
      "It refuses a graph with `@authenticated` or `@requiresScopes`, which it cannot enforce. Compose the graph without them. The gateway enforces its rules itself.",
      "A `formatError` or a plugin of its Apollo Server can still remove parts of an error.",
    ],
    retries: ["It retries nothing, and has no time limit for a subgraph."],
    sources: ["https://www.apollographql.com/docs/apollo-server/using-federation/api/apollo-gateway"],
  },
  "hive-gateway": {
    byDefault: [
      "It keeps `message`, `path` and all of `extensions`, and adds `extensions.serviceName`.",
      "It forwards no header of the client.",
    ],
    remarks: [
      "Errors need no configuration. Headers, timeouts and retries do.",
      "An error of its own plugins becomes `Unexpected error.` unless it is a `GraphQLError`. An error of a subgraph does not.",
      "If it cannot reach the gateway, or stops waiting, its error has the operation and its variables in `extensions.request`. The record then has the outcome of the change (`mfaChanges`).",
    ],
    retries: [
      "`upstreamRetry` repeats mutations too. It reacts to a status of 500 and above or 429, to a Retry-After header, and to a broken connection. The gateway sends business errors with 200 and without that header. So only a broken connection to the gateway remains. Exclude mutations, as above.",
    ],
    sources: [
      "https://the-guild.dev/graphql/hive/docs/gateway/other-features/upstream-reliability",
      "https://the-guild.dev/graphql/hive/docs/gateway/logging-and-error-handling",
    ],
  },
  "hive-router": {
    byDefault: [
      'It replaces `message` by "Unexpected error" (version 0.0.85 and later).',
      "It keeps `path` and all of `extensions`, and adds `extensions.service`.",
    ],
    remarks: [
      "It enforces `@authenticated` and `@requiresScopes` only if it verifies tokens (`jwt.enabled: true`). Then it removes fields that the caller may not use, with the error `UNAUTHORIZED_FIELD_OR_TYPE`. Without tokens the gateway alone decides.",
      "If it cannot reach the gateway, loses its answer or stops waiting, its error has a code of its own (`SUBREQUEST_HTTP_ERROR`, `SUBGRAPH_REQUEST_TIMEOUT`) and no path. The record then has the outcome of the change (`mfaChanges`).",
      "It forwards no `traceparent` of a client while its own tracing is off.",
      "The environment variable `DISABLE_SUBGRAPH_ERROR_MASKING=true` keeps the errors of every subgraph whole.",
    ],
    retries: ["It retries no request to a subgraph, and no request whose answer it lost."],
    sources: [
      "https://the-guild.dev/graphql/hive/docs/router/configuration/error_masking",
      "https://github.com/graphql-hive/router/blob/main/bin/router/src/executor/execution/error_masking.rs",
    ],
  },
  cosmo: {
    byDefault: [
      'It wraps errors. All errors of one request to the gateway become one error without `path`, "Failed to fetch from Subgraph …". The gateway\'s errors are in `extensions.errors[]`. Each change of an operation is a request of its own.',
      "Inside, it keeps `message` and `path`, and only `code` of `extensions`.",
    ],
    remarks: [
      "It enforces `@authenticated` and `@requiresScopes` even if it verifies no tokens. Then it refuses every field that has them, by `UNAUTHORIZED_FIELD_OR_TYPE`. Give it the keys of the gateway's issuer (`authentication.jwt.jwks`), or compose the graph without the directives.",
      "By default, callers share the answer to equal queries at the same time. It compares only headers that it forwards. So without `Authorization` among them, a caller can get the answer of another one. The configuration above turns that off.",
      "In a list of entities, `path` has `@` instead of the index. `extensions.opUin` names the user.",
      "If it cannot reach the gateway, loses its answer or stops waiting, its error has no code. The record then has the outcome of the change (`mfaChanges`).",
      "One setting controls error propagation for all subgraphs.",
      "With `mode: wrapped` you can still list the fields. They arrive in `extensions.errors[].extensions`.",
      "With `omit_extensions: true` a list has no effect.",
    ],
    retries: [
      "It retries queries only. `traffic_shaping.all.retry` cannot make it retry mutations. It does not retry a query whose answer it lost.",
    ],
    sources: [
      "https://cosmo-docs.wundergraph.com/router/subgraph-error-propagation",
      "https://cosmo-docs.wundergraph.com/router/traffic-shaping/retry",
      "https://cosmo-docs.wundergraph.com/router/authentication-and-authorization",
    ],
  },
};
