import { type DirectiveNode, parse, print, visit } from "graphql";
import type { Subgraph } from "../../scripts/federated/subgraph.ts";

const SECURITY = ["authenticated", "requiresScopes"];

/**
 * Removes the security directives from a supergraph. `@apollo/gateway` enforces none and refuses a supergraph that has one.
 * The subgraphs enforce them.
 */
export function withoutSecurity(subgraph: Subgraph): Subgraph {
  return { ...subgraph, sdl: print(visit(parse(subgraph.sdl), { Directive: removeSecurity })) };
}

function removeSecurity(node: DirectiveNode): null | undefined {
  return SECURITY.includes(node.name.value) ? null : undefined;
}
