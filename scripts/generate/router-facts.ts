import type { RouterId } from "../../src/cli/doctor/router-guides.ts";

/** What docs/consumers/routers.md says of a router beside its configuration, a sentence each. */
export interface RouterFacts {
  readonly byDefault: readonly string[];
  /** What the configuration cannot do, or needs. */
  readonly remarks: readonly string[];
  /** Whether and when the router sends a mutation twice. */
  readonly retries: readonly string[];
  /** The vendor's pages that say so. */
  readonly sources: readonly string[];
}

export const ROUTER_FACTS: Readonly<Record<RouterId, RouterFacts>> = {
  "apollo-router": {
    byDefault: [
      'It replaces `message` by "Subgraph errors redacted" and removes all of `extensions`, `code` included.',
      "`path` stays, so a client learns which field failed and nothing else.",
    ],
    remarks: [
      "`all: true` lets everything through too, of every subgraph, and adds `extensions.service`.",
      "Lists for single keys need version 2 of the router.",
    ],
    retries: [
      "Version 2 retries nothing. In version 1, leave `experimental_retry.retry_mutations` at false, its default.",
    ],
    sources: [
      "https://www.apollographql.com/docs/graphos/routing/observability/subgraph-error-inclusion",
      "https://github.com/apollographql/router/blob/dev/apollo-router/src/plugins/include_subgraph_errors/mod.rs",
    ],
  },
  "apollo-gateway": {
    byDefault: [
      "It keeps `message`, `path` and all of `extensions`, and adds `extensions.serviceName`.",
      "It hands no header of the client on.",
    ],
    remarks: [
      "Nothing is needed for the errors; the configuration is for the headers.",
      "It refuses a graph with `@authenticated` or `@requiresScopes`, which it cannot enforce: compose without them. The gateway enforces its own rules anyway.",
      "A `formatError` or a plugin of its Apollo Server can still remove what the gateway sent.",
    ],
    retries: ["It retries nothing, and has no time limit for a subgraph."],
    sources: ["https://www.apollographql.com/docs/apollo-server/using-federation/api/apollo-gateway"],
  },
  "hive-gateway": {
    byDefault: [
      "It keeps `message`, `path` and all of `extensions`, and adds `extensions.serviceName`.",
      "It hands no header of the client on.",
    ],
    remarks: [
      "Nothing is needed for the errors; the configuration is for headers, time and retries.",
      "Errors of its own plugins that are no GraphQLError become `Unexpected error.`; an error of a subgraph does not.",
      "Where it cannot reach the gateway, or gives up waiting, its error has the operation and its variables in `extensions.request`; the outcome of the change is then in the record (`mfaChanges`).",
    ],
    retries: [
      "`upstreamRetry` repeats mutations too: on a status of 500 and above or 429, on a Retry-After header, and where the connection breaks. The gateway sends business errors with 200 and without that header, so only a broken connection to the gateway itself is left: exclude mutations, as above.",
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
      "The environment variable `DISABLE_SUBGRAPH_ERROR_MASKING=true` lets everything of every subgraph through.",
    ],
    retries: ["It retries nothing that it sends to a subgraph."],
    sources: [
      "https://the-guild.dev/graphql/hive/docs/router/configuration/error_masking",
      "https://github.com/graphql-hive/router/blob/main/bin/router/src/executor/execution/error_masking.rs",
    ],
  },
  cosmo: {
    byDefault: [
      'It wraps: all errors of one request to the gateway become one without `path`, "Failed to fetch from Subgraph …", with the gateway\'s in `extensions.errors[]`.',
      "In there `message` and `path` stay, and of `extensions` only `code`.",
    ],
    remarks: [
      "Error propagation is set for all subgraphs at once; there is none for a single one.",
      "Whoever has to keep `mode: wrapped` can still list the fields: they then arrive in `extensions.errors[].extensions`.",
      "With `omit_extensions: true` no list helps.",
    ],
    retries: ["It retries queries only, never mutations, whatever `traffic_shaping.all.retry` says."],
    sources: [
      "https://cosmo-docs.wundergraph.com/router/subgraph-error-propagation",
      "https://cosmo-docs.wundergraph.com/router/traffic-shaping/retry",
    ],
  },
};
