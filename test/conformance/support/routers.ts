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
import { RECORDINGS } from "./recordings.ts";
import { applyRule } from "./router-rule.ts";
import { startMaskingRouter } from "./start-masking-router.ts";
import type { Mask } from "./wire-error.ts";

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
interface MaskedSetting extends RouterSetting {
  readonly mask: Mask;
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

const documented = (file: string) => parse(readFileSync(`docs/consumers/routers/${file}`, "utf8"));

/** The other routers: what was recorded of them, or a stand-in with rules from their sources. */
export const MASKED_SETTINGS: readonly MaskedSetting[] = [
  standIn("apollo-router", "apollo-router", "default", maskAsApolloRouter({})),
  standIn(
    "apollo-router-by-docs",
    "apollo-router",
    "docs",
    maskAsApolloRouter(documented("apollo-router.yaml")),
  ),
  standIn(
    "apollo-router-open",
    "apollo-router",
    "choice",
    maskAsApolloRouter({ include_subgraph_errors: { all: true } }),
  ),
  ...RECORDINGS.map(({ id, recording: { router, by, rule } }) =>
    standIn(id, router, by, (errors) => applyRule(rule, errors)),
  ),
];

export const ROUTER_SETTINGS: readonly RouterSetting[] = [...LIVE_SETTINGS, ...MASKED_SETTINGS];

function standIn(id: string, router: RouterId, by: RouterSetting["by"], mask: Mask): MaskedSetting {
  return { id, router, by, mask, start: (gateway) => startMaskingRouter(gateway, mask) };
}

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
