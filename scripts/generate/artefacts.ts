import type { Artefact } from "./artefact.ts";
import { renderErrorExtensionsSchema } from "./error-extensions-schema.ts";
import { renderErrorExtensionsTypes } from "./error-extensions-types.ts";
import { renderErrorsPage } from "./errors-page.ts";
import { renderSubgraphSdl } from "./subgraph-sdl.ts";

/** What follows from the error catalogue alone. */
export const contractArtefacts: readonly Artefact[] = [
  { path: "src/contract/error-extensions.generated.ts", render: renderErrorExtensionsTypes },
  { path: "schema/error-extensions.schema.json", render: renderErrorExtensionsSchema },
  { path: "docs/errors.md", render: renderErrorsPage },
];

/**
 * What follows from the built GraphQL schema. Its renderers load the schema inside `render` by `await import`,
 * so that the artefacts above can be written even while the schema does not build.
 */
export const schemaArtefacts: readonly Artefact[] = [
  { path: "schema/subgraph.graphql", render: renderSubgraphSdl },
];
