import { composeServices } from "@apollo/composition";
import { parse } from "graphql";
import type { Subgraph } from "./subgraph.ts";

/** Returns the supergraph SDL for a router. @throws Error with the reason if the subgraphs do not compose. */
export function composeSupergraph(subgraphs: readonly Subgraph[]): string {
  const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (supergraphSdl !== undefined) return supergraphSdl;
  throw new Error(errors?.map(({ message }) => message).join("\n"));
}
