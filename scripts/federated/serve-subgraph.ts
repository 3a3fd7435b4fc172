import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";
import type { StartedSubgraph } from "./supergraph.ts";

interface SubgraphOptions {
  readonly name: string;
  readonly sdl: string;
  readonly resolvers: object;
  /** 0 picks a free port. */
  readonly port: number;
}

/** Node closes an idle connection after 5 s. A router that uses it at this moment would fail with ECONNRESET. */
const CLOSE_CONNECTIONS: ApolloServerPlugin = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response }) => void response.http.headers.set("connection", "close"),
  }),
};

/** Serves a subgraph on loopback. */
export async function serveSubgraph({
  name,
  sdl,
  resolvers,
  port,
}: SubgraphOptions): Promise<StartedSubgraph> {
  const server = new ApolloServer({
    schema: buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: resolvers as never }]),
    plugins: [ApolloServerPluginInlineTraceDisabled(), CLOSE_CONNECTIONS],
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandaloneServer(server, { listen: { port, host: "127.0.0.1" } });
  return { name, url: new URL("/graphql", url).href, sdl, stop: () => server.stop() };
}
