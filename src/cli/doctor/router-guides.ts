import { CAM_ERROR_EXTENSION_KEYS } from "../../contract/index.ts";

/** The subgraph name of the gateway in documents and commands, if the real name is unknown. */
export const SUBGRAPH = "cam-mfa";

/** The client headers that the gateway uses: the caller's token, the request id and the idempotency key. */
export const FORWARDED_HEADERS = ["authorization", "x-request-id", "idempotency-key"] as const;

/**
 * The seconds that a router waits for the gateway. They exceed the gateway's own deadline (CAM_DEADLINE_MS, 15 s by
 * default): a router that gives up first never receives the outcome.
 */
export const PATIENCE_SECONDS = 20;

export type RouterId = "apollo-router" | "apollo-gateway" | "hive-gateway" | "hive-router" | "cosmo";

/** The fate of a part of an error. `nested`: it is inside another error. `renamed`: it is under another key. */
export type Fate = "kept" | "replaced" | "renamed" | "nested" | "lost";

/** The effect of a federated router on the gateway's errors, and the configuration that makes it forward them. */
export interface RouterGuide {
  readonly id: RouterId;
  readonly title: string;
  /** The fate of a thrown error under the router's default configuration. */
  readonly fates: {
    readonly message: Fate;
    readonly code: Fate;
    /** All keys of `extensions` but `code`. */
    readonly otherKeys: Fate;
    readonly path: Fate;
  };
  readonly configuration: {
    /** The file's name in docs/consumers/routers/. */
    readonly file: string;
    readonly language: "yaml" | "ts";
    /** Returns the whole file for a subgraph of this name. */
    render(subgraph: string): string;
  };
}

/** The routers in the order of docs/consumers/routers.md. */
export const ROUTER_GUIDES: readonly RouterGuide[] = [
  {
    id: "apollo-router",
    title: "Apollo Router",
    fates: { message: "replaced", code: "lost", otherKeys: "lost", path: "kept" },
    configuration: {
      file: "apollo-router.yaml",
      language: "yaml",
      render: (subgraph) => `\
include_subgraph_errors:
  # Other subgraphs stay redacted. With true or false here, no subgraph may have a list.
  all:
    redact_message: true
    allow_extensions_keys: []
  subgraphs:
    ${subgraph}:
      redact_message: false
      allow_extensions_keys:
${yamlList(CAM_ERROR_EXTENSION_KEYS, 8)}
headers:
  subgraphs:
    ${subgraph}:
      # Version 2.16 and later expect this list under the key \`operations\`. They move a list without it there.
      request:
${FORWARDED_HEADERS.map((name) => `        - propagate:\n            named: ${name}`).join("\n")}
traffic_shaping:
  subgraphs:
    ${subgraph}:
      timeout: ${PATIENCE_SECONDS}s
`,
    },
  },
  {
    id: "apollo-gateway",
    title: "@apollo/gateway",
    fates: { message: "kept", code: "kept", otherKeys: "kept", path: "kept" },
    configuration: {
      file: "apollo-gateway.ts",
      language: "ts",
      render: () => `\
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";

const FORWARDED = ${JSON.stringify(FORWARDED_HEADERS).replaceAll(",", ", ")};

/** The context that \`context: async ({ req }) => ({ headers: req.headers })\` of Apollo Server returns. */
interface Context {
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
}

export function createApolloGateway(supergraphSdl: string): ApolloGateway {
  return new ApolloGateway({
    supergraphSdl,
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource<Context>({
        ...(url === undefined ? {} : { url }),
        willSendRequest({ request, context }) {
          for (const name of FORWARDED) {
            const value = context.headers?.[name];
            if (typeof value === "string") request.http?.headers.set(name, value);
          }
        },
      }),
  });
}
`,
    },
  },
  {
    id: "hive-gateway",
    title: "Hive Gateway",
    fates: { message: "kept", code: "kept", otherKeys: "kept", path: "kept" },
    configuration: {
      file: "hive-gateway.config.ts",
      language: "ts",
      render: () => `\
import type { GatewayConfigSupergraph } from "@graphql-hive/gateway-runtime";

const FORWARDED = ${JSON.stringify(FORWARDED_HEADERS).replaceAll(",", ", ")};

export const gatewayConfig = {
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) =>
      Object.fromEntries(FORWARDED.map((name) => [name, request.headers.get(name)])),
  },
  upstreamTimeout: ${PATIENCE_SECONDS}_000,
  // A mutation whose reply is lost may have taken effect.
  upstreamRetry: ({ executionRequest }) =>
    executionRequest.operationType === "mutation" ? undefined : { maxRetries: 3 },
} satisfies Partial<GatewayConfigSupergraph>;
`,
    },
  },
  {
    id: "hive-router",
    title: "Hive Router",
    fates: { message: "replaced", code: "kept", otherKeys: "kept", path: "kept" },
    configuration: {
      file: "hive-router.yaml",
      language: "yaml",
      render: (subgraph) => `\
error_masking:
  subgraphs:
    ${subgraph}:
      # This concerns only the message.
      enabled: false
      # Needed only if \`all\` has a list, which this one then replaces.
      extensions:
        mode: allow
        keys:
${yamlList(CAM_ERROR_EXTENSION_KEYS, 10)}
headers:
  subgraphs:
    ${subgraph}:
      request:
        - propagate:
            named:
${yamlList(FORWARDED_HEADERS, 14)}
traffic_shaping:
  subgraphs:
    ${subgraph}:
      request_timeout: ${PATIENCE_SECONDS}s
`,
    },
  },
  {
    id: "cosmo",
    title: "Cosmo Router",
    fates: { message: "nested", code: "nested", otherKeys: "lost", path: "nested" },
    configuration: {
      file: "cosmo.yaml",
      language: "yaml",
      render: (subgraph) => `\
subgraph_error_propagation:
  mode: pass-through
  allow_all_extension_fields: false
  allowed_extension_fields:
${yamlList(CAM_ERROR_EXTENSION_KEYS, 4)}
headers:
  subgraphs:
    ${subgraph}:
      request:
${FORWARDED_HEADERS.map((name) => `        - op: propagate\n          named: ${canonical(name)}`).join("\n")}
traffic_shaping:
  subgraphs:
    ${subgraph}:
      request_timeout: ${PATIENCE_SECONDS}s
engine:
  # Otherwise callers share the answer to equal queries at the same time, if their forwarded headers are equal.
  enable_inbound_request_deduplication: false
`,
    },
  },
];

/** Returns the items as a YAML list in block style. */
function yamlList(items: readonly string[], indent: number): string {
  return items.map((item) => `${" ".repeat(indent)}- ${item}`).join("\n");
}

/** Spells a header as Go does: Cosmo compares header names by that spelling. */
function canonical(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
