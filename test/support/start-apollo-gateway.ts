import { ApolloGateway } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import type { Subgraph } from "../../scripts/federated/supergraph.ts";
import { composeSupergraph } from "../../scripts/federated/supergraph.ts";
import { type StartedRouter, sendTo, withoutSecurity } from "./started-router.ts";
import { whenOver } from "./when-over.ts";

/** Starts @apollo/gateway on a free port in front of running subgraphs. */
export async function startApolloGateway(options: {
  readonly subgraphs: readonly Subgraph[];
}): Promise<StartedRouter> {
  const supergraphSdl = composeSupergraph(options.subgraphs.map(withoutSecurity));
  const gateway = new ApolloGateway({ supergraphSdl });
  const server = new ApolloServer({ gateway, stopOnTerminationSignals: false });
  const address = await startStandaloneServer(server, { listen: { port: 0, host: "127.0.0.1" } });
  const { href: url } = new URL("/graphql", address.url);
  const stop = () => server.stop();
  whenOver(stop);
  return { url, send: (...operation) => sendTo(url, ...operation), stop };
}
