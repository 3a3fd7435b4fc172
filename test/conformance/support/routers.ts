import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { createApolloGateway } from "../../../docs/consumers/routers/apollo-gateway.ts";
import { gatewayConfig } from "../../../docs/consumers/routers/hive-gateway.config.ts";
import type { Subgraph } from "../../../scripts/federated/supergraph.ts";
import { composeSupergraph } from "../../../scripts/federated/supergraph.ts";
import type { RouterId } from "../../../src/cli/doctor/router-guides.ts";
import { startApolloGateway } from "../../support/start-apollo-gateway.ts";
import { startHiveGateway } from "../../support/start-hive-gateway.ts";
import { withoutSecurity } from "../../support/started-router.ts";
import { whenOver } from "../../support/when-over.ts";
import { RECORDINGS } from "./recordings.ts";
import { applyRule, type RouterRule } from "./router-rule.ts";
import { listenUntilOver } from "./start-relay.ts";
import type { WireError } from "./wire-error.ts";

/** A router under test. */
export interface RouterSetting {
  /** Names the golden file or the recording. */
  readonly id: string;
  readonly router: RouterId;
  /** The router's configuration: its defaults, that of docs/consumers/routers/, or another choice. */
  readonly by: "default" | "docs" | "choice";
  /** Starts the router in front of the gateway and returns its address. The router ends with the test. */
  start(gateway: Subgraph): Promise<string>;
}

/** A router that npm does not have. */
interface RecordedSetting extends RouterSetting {
  readonly rule: RouterRule;
}

/** The routers on npm, which are real. */
export const LIVE_SETTINGS: readonly RouterSetting[] = [
  {
    id: "apollo-gateway",
    router: "apollo-gateway",
    by: "default",
    start: async (gateway) => (await startApolloGateway({ subgraphs: [gateway] })).url,
  },
  { id: "apollo-gateway-by-docs", router: "apollo-gateway", by: "docs", start: startDocumentedApolloGateway },
  {
    id: "hive-gateway",
    router: "hive-gateway",
    by: "default",
    start: async (gateway) => (await startHiveGateway({ subgraphs: [gateway] })).url,
  },
  {
    id: "hive-gateway-by-docs",
    router: "hive-gateway",
    by: "docs",
    start: async (gateway) => (await startHiveGateway({ subgraphs: [gateway], hive: gatewayConfig })).url,
  },
];

/** The other routers, as recorded. */
export const RECORDED_SETTINGS: readonly RecordedSetting[] = RECORDINGS.map(
  ({ id, recording: { router, by, rule } }) => ({
    ...{ id, router, by, rule },
    start: (gateway) => startRecordedRouter(gateway, rule),
  }),
);

export const ROUTER_SETTINGS: readonly RouterSetting[] = [...LIVE_SETTINGS, ...RECORDED_SETTINGS];

async function startDocumentedApolloGateway(gateway: Subgraph): Promise<string> {
  const server = new ApolloServer({
    gateway: createApolloGateway(composeSupergraph([withoutSecurity(gateway)])),
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: "127.0.0.1" },
    context: async ({ req }) => ({ headers: req.headers }),
  });
  whenOver(() => server.stop());
  return url;
}

/** Headers that this router forwards to a subgraph. */
const FORWARDED = ["authorization", "x-request-id", "idempotency-key"];

/**
 * Plays a recorded router: forwards each operation to its only subgraph and does to the errors what the rule says. Returns
 * its address.
 */
async function startRecordedRouter({ url }: Subgraph, rule: RouterRule): Promise<string> {
  const origin = await listenUntilOver((message, response) => {
    ask(message, url, rule).then(
      (reply) => response.setHeader("content-type", "application/json").end(reply),
      (error: Error) => response.writeHead(502).end(error.message),
    );
  });
  return `${origin}/graphql`;
}

async function ask(message: IncomingMessage, url: string, rule: RouterRule): Promise<string> {
  const forwarded = FORWARDED.flatMap((header) => {
    const value = message.headers[header];
    return typeof value === "string" ? [[header, value] as const] : [];
  });
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...Object.fromEntries(forwarded) },
    body: JSON.stringify(await json(message)),
  });
  const { data, errors = [] } = (await reply.json()) as { data?: unknown; errors?: WireError[] };
  return JSON.stringify({ data, ...(errors.length === 0 ? {} : { errors: applyRule(rule, errors) }) });
}
