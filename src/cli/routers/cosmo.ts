import { CAM_ERROR_EXTENSION_KEYS } from "../../contract/index.ts";
import { FORWARDED_HEADERS, PATIENCE_SECONDS } from "./forwarded-headers.ts";
import type { RouterGuide } from "./router-guide.ts";
import { yamlList } from "./yaml-list.ts";

export const cosmo: RouterGuide = {
  id: "cosmo",
  title: "Cosmo Router",
  fates: { message: "nested", code: "nested", otherKeys: "lost", path: "nested" },
  byDefault: [
    'It wraps: all errors of one request to the gateway become one without `path`, "Failed to fetch from Subgraph …", with the gateway\'s in `extensions.errors[]`.',
    "In there `message` and `path` stay, and of `extensions` only `code`.",
  ],
  configuration: {
    file: "cosmo.yaml",
    language: "yaml",
    render: (subgraph) => `\
subgraph_error_propagation:
  mode: pass-through
  allow_all_extension_fields: false
  allowed_extension_fields:
${yamlList(CAM_ERROR_EXTENSION_KEYS, 4)}
headers:
  subgraphs:
    ${subgraph}:
      request:
${FORWARDED_HEADERS.map((name) => `        - op: propagate\n          named: ${canonical(name)}`).join("\n")}
traffic_shaping:
  subgraphs:
    ${subgraph}:
      request_timeout: ${PATIENCE_SECONDS}s
`,
  },
  remarks: [
    "Error propagation is set for all subgraphs at once; there is none for a single one.",
    "Whoever has to keep `mode: wrapped` can still list the fields: they then arrive in `extensions.errors[].extensions`.",
    "With `omit_extensions: true` no list helps.",
  ],
  retries: ["It retries queries only, never mutations, whatever `traffic_shaping.all.retry` says."],
  sources: [
    "https://cosmo-docs.wundergraph.com/router/subgraph-error-propagation",
    "https://cosmo-docs.wundergraph.com/router/traffic-shaping/retry",
  ],
};

/** Header names as Go spells them, which the router compares by. */
function canonical(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
