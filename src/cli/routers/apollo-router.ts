import { CAM_ERROR_EXTENSION_KEYS } from "../../contract/index.ts";
import { FORWARDED_HEADERS, PATIENCE_SECONDS } from "./forwarded-headers.ts";
import type { RouterGuide } from "./router-guide.ts";
import { yamlList } from "./yaml-list.ts";

export const apolloRouter: RouterGuide = {
  id: "apollo-router",
  title: "Apollo Router",
  fates: { message: "replaced", code: "lost", otherKeys: "lost", path: "kept" },
  byDefault: [
    'It replaces `message` by "Subgraph errors redacted" and removes all of `extensions`, `code` included.',
    "`path` stays, so a client learns which field failed and nothing else.",
  ],
  configuration: {
    file: "apollo-router.yaml",
    language: "yaml",
    render: (subgraph) => `\
include_subgraph_errors:
  # Other subgraphs stay redacted. Written as an object: beside true or false no subgraph may have a list.
  all:
    redact_message: true
    allow_extensions_keys: []
  subgraphs:
    ${subgraph}:
      redact_message: false
      allow_extensions_keys:
${yamlList(CAM_ERROR_EXTENSION_KEYS, 8)}
headers:
  subgraphs:
    ${subgraph}:
      # Version 2.16 and later want this list under a key \`operations\`, and put a list without it there themselves.
      request:
${FORWARDED_HEADERS.map((name) => `        - propagate:\n            named: ${name}`).join("\n")}
traffic_shaping:
  subgraphs:
    ${subgraph}:
      timeout: ${PATIENCE_SECONDS}s
`,
  },
  remarks: [
    "`all: true` lets everything through too, of every subgraph, and adds `extensions.service`.",
    "Lists for single keys need version 2 of the router.",
  ],
  retries: [
    "Version 2 retries nothing. In version 1, leave `experimental_retry.retry_mutations` at false, its default.",
  ],
  sources: [
    "https://www.apollographql.com/docs/graphos/routing/observability/subgraph-error-inclusion",
    "https://github.com/apollographql/router/blob/dev/apollo-router/src/plugins/include_subgraph_errors/mod.rs",
  ],
};
