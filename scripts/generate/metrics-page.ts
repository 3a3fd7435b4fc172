import {
  METRICS,
  type MetricName,
  prometheusLabel,
  prometheusName,
} from "../../src/telemetry/metric-table.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { markdownTable } from "./markdown-table.ts";

const introduction = `\
\`/metrics\` of the admin port shows these metrics in the text format of Prometheus. OpenTelemetry exports the same ones
under their names with dots ([telemetry](telemetry.md)). A histogram has the endings \`_bucket\`, \`_sum\` and \`_count\`.

No label has a value that a caller chooses. A gateway with one account has fewer than 500 series, and each further account
adds at most 30.`;

/** Returns docs/operators/metrics.md, from the table of metrics. */
export function renderMetricsPage(): string {
  const rows = (Object.keys(METRICS) as MetricName[]).map((name) => {
    const { kind, labels, help } = METRICS[name];
    const names = (labels as readonly string[]).map((label) => `\`${prometheusLabel(label)}\``);
    return [`\`${prometheusName(name)}\``, kind, names.join(", "), help];
  });
  const table = markdownTable(["Metric", "Kind", "Labels", "Meaning"], rows);
  return `<!-- ${GENERATED_NOTICE} -->\n\n# Metrics\n\n${introduction}\n\n${table}\n`;
}
