import { ROUTER_GUIDES, SUBGRAPH } from "../../src/cli/doctor/router-guides.ts";
import { renderConfigurationPage, renderEnvExample } from "../../src/config/variable-reference.ts";
import { renderAccountsSchema } from "./accounts-schema.ts";
import { type Artefact, GENERATED_NOTICE } from "./artefact.ts";
import { renderErrorExtensionsSchema } from "./error-extensions-schema.ts";
import { renderErrorsPage } from "./errors-page.ts";
import { renderLogEventsPage } from "./log-events-page.ts";
import { markdownTable } from "./markdown-table.ts";
import { renderMetricsPage } from "./metrics-page.ts";
import { renderPolicySchema } from "./policy-schema.ts";
import { renderRoutersPage } from "./routers-page.ts";
import { renderSubgraphSdl } from "./subgraph-sdl.ts";
import { renderWebhooksSchema } from "./webhooks-schema.ts";

/** The files generated from the error catalogue. */
export const contractArtefacts: readonly Artefact[] = [
  { path: "schema/error-extensions.schema.json", render: renderErrorExtensionsSchema },
  { path: "docs/errors.md", render: renderErrorsPage },
];

/** The JSON Schemas of configuration files. */
export const policyArtefacts: readonly Artefact[] = [
  { path: "schema/policy.schema.json", render: renderPolicySchema },
  { path: "schema/accounts.schema.json", render: renderAccountsSchema },
  { path: "schema/webhooks.schema.json", render: renderWebhooksSchema },
];

/** The pages of log events and metrics. */
export const logArtefacts: readonly Artefact[] = [
  { path: "docs/operators/log-events.md", render: renderLogEventsPage },
  { path: "docs/operators/metrics.md", render: renderMetricsPage },
];

/** The example file and the page generated from the table of variables. */
export const configArtefacts: readonly Artefact[] = [
  { path: ".env.example", render: () => renderEnvExample(GENERATED_NOTICE) },
  {
    path: "docs/operators/configuration.md",
    render: () => renderConfigurationPage(GENERATED_NOTICE, markdownTable),
  },
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
 * The files generated from the GraphQL schema. They load the schema inside `render`, so that the artefacts above can be
 * written even if the schema does not build.
 */
export const schemaArtefacts: readonly Artefact[] = [
  { path: "schema/subgraph.graphql", render: renderSubgraphSdl },
];
