import { readFileSync } from "node:fs";
import { type DirectiveNode, parse, print, visit } from "graphql";
import type { Subgraph } from "../../scripts/federated/supergraph.ts";
import type { ReplyError, StartedGateway } from "./start-gateway.ts";

/** A router in front of subgraphs, stopped after the test. */
export interface StartedRouter {
  readonly url: string;
  send(
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RouterReply>;
  stop(): Promise<void>;
}

interface RouterReply {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Record<string, unknown> | null | undefined;
  /** Empty where there are none. */
  readonly errors: readonly ReplyError[];
}

/** The published SDL of the gateway. */
const SUBGRAPH_SDL = readFileSync(new URL("../../schema/subgraph.graphql", import.meta.url), "utf8");

/** The gateway as a subgraph of a router. */
export function asSubgraph({ gateway }: Pick<StartedGateway, "gateway">): Subgraph {
  return { name: "cam-mfa", url: gateway.address.url, sdl: SUBGRAPH_SDL };
}

/** Sends one operation over HTTP to the router. */
export async function sendTo(url: string, ...[query, variables, headers]: Parameters<StartedRouter["send"]>) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Partial<RouterReply>;
  return { status: response.status, headers: response.headers, data, errors: errors ?? [] };
}

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
