import type { LogEvent } from "../../src/telemetry/log-event.ts";
import { LOG_EVENTS } from "../../src/telemetry/log-events.ts";
import {
  METRICS,
  type MetricName,
  prometheusLabel,
  prometheusName,
} from "../../src/telemetry/metric-table.ts";
import { GENERATED_NOTICE, markdownTable } from "./format.ts";

const logIntroduction = `\
The gateway logs one JSON object a line to stdout. \`event\` identifies the event and stays the same across releases.
\`msg\` is for people and may change. Alert on \`event\` and \`level\`. Each line also has \`time\`. A line about a request
has its \`requestId\`. At a terminal, local mode writes the same lines in a human-readable form.`;

/** Returns docs/operators/log-events.md, from the table of events. */
export function renderLogEventsPage(): string {
  const events: [string, LogEvent][] = Object.entries(LOG_EVENTS).sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const rows = events.map(([id, { level, message, help }]) => [
    `\`${id}\``,
    level,
    `${capitalised(message)}. ${help}`,
  ]);
  const table = markdownTable(["Event", "Level", "Meaning"], rows);
  return `<!-- ${GENERATED_NOTICE} -->\n\n# Log events\n\n${logIntroduction}\n\n${table}\n`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const metricsIntroduction = `\
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
  return `<!-- ${GENERATED_NOTICE} -->\n\n# Metrics\n\n${metricsIntroduction}\n\n${table}\n`;
}
