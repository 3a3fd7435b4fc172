import { CAM_ERROR_EXTENSION_KEYS } from "../../contract/index.ts";
import { FORWARDED_HEADERS, PATIENCE_SECONDS } from "./forwarded-headers.ts";
import type { RouterGuide } from "./router-guide.ts";
import { yamlList } from "./yaml-list.ts";

export const hiveRouter: RouterGuide = {
  id: "hive-router",
  title: "Hive Router",
  fates: { message: "replaced", code: "kept", otherKeys: "kept", path: "kept" },
  byDefault: [
    'It replaces `message` by "Unexpected error" (version 0.0.85 and later).',
    "It keeps `path` and all of `extensions`, and adds `extensions.service`.",
  ],
  configuration: {
    file: "hive-router.yaml",
    language: "yaml",
    render: (subgraph) => `\
error_masking:
  subgraphs:
    ${subgraph}:
      # This is about the message alone.
      enabled: false
      # Needed only where \`all\` has a list, which this one then replaces.
      extensions:
        mode: allow
        keys:
${yamlList(CAM_ERROR_EXTENSION_KEYS, 10)}
headers:
  subgraphs:
    ${subgraph}:
      request:
        - propagate:
            named:
${yamlList(FORWARDED_HEADERS, 14)}
traffic_shaping:
  subgraphs:
    ${subgraph}:
      request_timeout: ${PATIENCE_SECONDS}s
`,
  },
  remarks: [
    "The environment variable `DISABLE_SUBGRAPH_ERROR_MASKING=true` lets everything of every subgraph through.",
  ],
  retries: ["It retries nothing that it sends to a subgraph."],
  sources: [
    "https://the-guild.dev/graphql/hive/docs/router/configuration/error_masking",
    "https://github.com/graphql-hive/router/blob/main/bin/router/src/executor/execution/error_masking.rs",
  ],
};
