import { readFileSync } from "node:fs";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { parse } from "yaml";
import { createApolloGateway } from "../../../docs/consumers/routers/apollo-gateway.ts";
import { gatewayConfig } from "../../../docs/consumers/routers/hive-gateway.config.ts";
import { composeSupergraph } from "../../../scripts/federated/compose-supergraph.ts";
import type { Subgraph } from "../../../scripts/federated/subgraph.ts";
import type { RouterId } from "../../../src/cli/doctor/router-guides.ts";
import { startApolloGateway } from "../../support/start-apollo-gateway.ts";
import { startHiveGateway } from "../../support/start-hive-gateway.ts";
import { whenOver } from "../../support/when-over.ts";
import { withoutSecurity } from "../../support/without-security.ts";
import { maskAsApolloRouter } from "./mask-apollo-router.ts";
import { maskAsCosmo } from "./mask-cosmo.ts";
import { maskAsHiveRouter } from "./mask-hive-router.ts";
import { startMaskingRouter } from "./start-masking-router.ts";

/** A router under test. */
export interface RouterSetting {
  /** Names the golden file. */
  readonly id: string;
  readonly router: RouterId;
  /** The router's configuration: its defaults, that of docs/consumers/routers/, or another choice. */
  readonly by: "default" | "docs" | "choice";
  /** Starts the router in front of the gateway and returns its address. The router ends with the test. */
  start(gateway: Subgraph): Promise<string>;
}

const documented = (file: string) => parse(readFileSync(`docs/consumers/routers/${file}`, "utf8"));

/** The routers on npm are real. For the others, a stub applies their rules for errors. */
export const ROUTER_SETTINGS: readonly RouterSetting[] = [
  {
    id: "apollo-router",
    router: "apollo-router",
    by: "default",
    start: (gateway) => startMaskingRouter(gateway, maskAsApolloRouter({})),
  },
  {
    id: "apollo-router-by-docs",
    router: "apollo-router",
    by: "docs",
    start: (gateway) => startMaskingRouter(gateway, maskAsApolloRouter(documented("apollo-router.yaml"))),
  },
  {
    id: "apollo-router-open",
    router: "apollo-router",
    by: "choice",
    start: (gateway) =>
      startMaskingRouter(gateway, maskAsApolloRouter({ include_subgraph_errors: { all: true } })),
  },
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
  {
    id: "hive-router",
    router: "hive-router",
    by: "default",
    start: (gateway) => startMaskingRouter(gateway, maskAsHiveRouter({})),
  },
  {
    id: "hive-router-by-docs",
    router: "hive-router",
    by: "docs",
    start: (gateway) => startMaskingRouter(gateway, maskAsHiveRouter(documented("hive-router.yaml"))),
  },
  {
    id: "cosmo",
    router: "cosmo",
    by: "default",
    start: (gateway) => startMaskingRouter(gateway, maskAsCosmo({})),
  },
  {
    id: "cosmo-by-docs",
    router: "cosmo",
    by: "docs",
    start: (gateway) => startMaskingRouter(gateway, maskAsCosmo(documented("cosmo.yaml"))),
  },
  {
    id: "cosmo-pass-through",
    router: "cosmo",
    by: "choice",
    start: (gateway) =>
      startMaskingRouter(gateway, maskAsCosmo({ subgraph_error_propagation: { mode: "pass-through" } })),
  },
];

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
