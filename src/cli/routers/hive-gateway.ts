import { FORWARDED_HEADERS, PATIENCE_SECONDS } from "./forwarded-headers.ts";
import type { RouterGuide } from "./router-guide.ts";

export const hiveGateway: RouterGuide = {
  id: "hive-gateway",
  title: "Hive Gateway",
  fates: { message: "kept", code: "kept", otherKeys: "kept", path: "kept" },
  byDefault: [
    "It keeps `message`, `path` and all of `extensions`, and adds `extensions.serviceName`.",
    "It hands no header of the client on.",
  ],
  configuration: {
    file: "hive-gateway.config.ts",
    language: "ts",
    render: () => `\
import type { GatewayConfigSupergraph } from "@graphql-hive/gateway-runtime";

const PASSED_ON = ${JSON.stringify(FORWARDED_HEADERS).replaceAll(",", ", ")};

export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) =>
      Object.fromEntries(PASSED_ON.map((name) => [name, request.headers.get(name)])),
  },
  upstreamTimeout: ${PATIENCE_SECONDS}_000,
  // A mutation whose reply is lost may have been made.
  upstreamRetry: ({ executionRequest }) =>
    executionRequest.operationType === "mutation" ? undefined : { maxRetries: 3 },
} satisfies Partial<GatewayConfigSupergraph>;
`,
  },
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
};
