import { composeServices as composeByApollo } from "@apollo/composition";
import { composeServices as composeByGuild } from "@theguild/federation-composition";
import { federateSubgraphs, LATEST_ROUTER_COMPATIBILITY_VERSION } from "@wundergraph/composition";
import { parse } from "graphql";
import type { Subgraph } from "../federated/supergraph.ts";

/** A library that composes subgraphs. */
export interface Composer {
  readonly name: string;
  /** Returns the composer's problems with these subgraphs, none if they compose. Throws some problems instead. */
  compose(subgraphs: readonly Subgraph[]): readonly string[];
}

/** The SDL must compose with all of them, because consumers use different ones. */
export const COMPOSERS: readonly Composer[] = [
  {
    name: "Apollo",
    compose: (subgraphs) => messages(composeByApollo(subgraphs.map(toService)).errors),
  },
  {
    name: "The Guild",
    compose: (subgraphs) => messages(composeByGuild(subgraphs.map(toService)).errors),
  },
  {
    name: "Cosmo",
    compose: (subgraphs) => {
      const result = federateSubgraphs({
        subgraphs: subgraphs.map(({ name, url, sdl }) => ({ name, url, definitions: parse(sdl) })),
        version: LATEST_ROUTER_COMPATIBILITY_VERSION,
      });
      return messages(result.success ? [] : result.errors);
    },
  },
];

function toService({ name, url, sdl }: Subgraph) {
  return { name, url, typeDefs: parse(sdl) };
}

function messages(errors: readonly Error[] = []): readonly string[] {
  return errors.map(({ message }) => message);
}
