import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createGatewayRuntime, type GatewayConfigSupergraph } from "@graphql-hive/gateway-runtime";
import http from "@graphql-mesh/transport-http";
import type { Subgraph } from "./supergraph.ts";
import { composeSupergraph } from "./supergraph.ts";

export interface StartedRouter {
  readonly url: string;
  stop(): Promise<void>;
}

export type HiveOptions = Partial<GatewayConfigSupergraph>;

/** Serves the page to a browser, and only that. */
export interface Page {
  isAsked(...request: Parameters<RequestListener>): boolean;
  readonly answer: RequestListener;
}

/** Serves the running subgraphs as one graph by Hive Gateway, on loopback. Port 0 picks a free port. */
export async function startHiveRouter(
  subgraphs: readonly Subgraph[],
  port: number,
  options: HiveOptions = {},
  page?: Page,
): Promise<StartedRouter> {
  const runtime = createGatewayRuntime({
    transports: { http },
    // Both would load their pages from the internet.
    graphiql: false,
    landingPage: false,
    logging: "warn",
    ...options,
    supergraph: composeSupergraph(subgraphs),
  });
  const answer: RequestListener = (...request) =>
    page?.isAsked(...request) ? page.answer(...request) : void runtime(...request);
  const server = createServer(answer).listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}/graphql`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await runtime[Symbol.asyncDispose]();
    },
  };
}
