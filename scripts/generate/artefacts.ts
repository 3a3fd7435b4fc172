import { ROUTER_GUIDES, SUBGRAPH } from "../../src/cli/doctor/router-guides.ts";
import { renderConfigurationPage, renderEnvExample } from "../../src/config/variable-reference.ts";
import { renderErrorExtensionsSchema } from "./error-extensions-schema.ts";
import { renderErrorsPage } from "./errors-page.ts";
import { FILE_NAMES, renderFileSchema } from "./file-schemas.ts";
import { GENERATED_NOTICE, markdownTable } from "./format.ts";
import { renderFunctionsSql } from "./functions-sql.ts";
import { renderRoutersPage } from "./routers-page.ts";
import type { Artefact } from "./run.ts";
import { renderSubgraphSdl } from "./subgraph-sdl.ts";
import { renderLogEventsPage, renderMetricsPage } from "./telemetry-pages.ts";

/** The files generated from the error catalogue. */
export const contractArtefacts: readonly Artefact[] = [
  { path: "schema/error-extensions.schema.json", render: renderErrorExtensionsSchema },
  { path: "docs/errors.md", render: renderErrorsPage },
];

/** The page about routers, and each router's configuration as a file to copy. */
export const routerArtefacts: readonly Artefact[] = [
  { path: "docs/consumers/routers.md", render: renderRoutersPage },
  ...ROUTER_GUIDES.map(({ configuration: { file, language, render } }) => ({
    path: `docs/consumers/routers/${file}`,
    render: () => `${language === "yaml" ? "#" : "//"} ${GENERATED_NOTICE}\n${render(SUBGRAPH)}`,
  })),
];

/**
 * All generated files. The SDL comes last and loads the GraphQL schema inside `render`, so that the others can be written
 * even if the schema does not build.
 */
export const artefacts: readonly Artefact[] = [
  { path: ".env.example", render: () => renderEnvExample(GENERATED_NOTICE) },
  {
    path: "docs/operators/configuration.md",
    render: () => renderConfigurationPage(GENERATED_NOTICE, markdownTable),
  },
  ...contractArtefacts,
  { path: "docs/operators/log-events.md", render: renderLogEventsPage },
  { path: "docs/operators/metrics.md", render: renderMetricsPage },
  ...FILE_NAMES.map((name) => ({
    path: `schema/${name}.schema.json`,
    render: () => renderFileSchema(name),
  })),
  ...routerArtefacts,
  { path: "schema/functions.sql", render: renderFunctionsSql },
  { path: "schema/subgraph.graphql", render: renderSubgraphSdl },
];
