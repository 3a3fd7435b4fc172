import { type DirectiveNode, parse, print, visit } from "graphql";
import type { Subgraph } from "../../scripts/federated/subgraph.ts";

const SECURITY = ["authenticated", "requiresScopes"];

/**
 * What `@apollo/gateway` can serve: it enforces no directive of security, and therefore refuses every supergraph that
 * has one. Whoever runs it lets the subgraphs do that alone.
 */
export function withoutSecurity(subgraph: Subgraph): Subgraph {
  return { ...subgraph, sdl: print(visit(parse(subgraph.sdl), { Directive: removeSecurity })) };
}

function removeSecurity(node: DirectiveNode): null | undefined {
  return SECURITY.includes(node.name.value) ? null : undefined;
}
