import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

/** Returns the supergraph SDL for a router. @throws Error with the reason if the subgraphs do not compose. */
export function composeSupergraph(subgraphs: readonly Subgraph[]): string {
  const services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (supergraphSdl !== undefined) return supergraphSdl;
  throw new Error(errors?.map(({ message }) => message).join("\n"));
}

/** One service of a federated graph. */
export interface Subgraph {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
}

/** One that runs here. */
export interface StartedSubgraph extends Subgraph {
  stop(): Promise<void>;
}
