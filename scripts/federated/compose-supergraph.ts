import { composeServices } from "@apollo/composition";
import { parse } from "graphql";
import type { Subgraph } from "./subgraph.ts";

/** The SDL that a router serves the subgraphs by. @throws Error that says why they do not fit together. */
export function composeSupergraph(subgraphs: readonly Subgraph[]): string {
  const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (supergraphSdl !== undefined) return supergraphSdl;
  throw new Error(errors?.map(({ message }) => message).join("\n"));
}
