import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CAM_ERROR_CATEGORY_DESCRIPTIONS } from "../../src/contract/index.ts";
import {
  METRICS,
  type MetricName,
  type MetricRow,
  prometheusLabel,
  prometheusName,
} from "../../src/telemetry/metric-table.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: { readonly severity: string };
  readonly annotations?: { readonly runbook: string };
}

const rules = (
  parse(readFileSync("deploy/prometheus/alerts.yaml", "utf8")) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  }
).groups.flatMap(({ rules }) => rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const { panels } = JSON.parse(readFileSync("deploy/grafana/dashboard.json", "utf8")) as {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
};

/** The series that a gateway exports, with their labels. test/http/metrics.test.ts compares the table with a gateway. */
const exported = new Map<string, readonly string[]>();
for (const name of Object.keys(METRICS) as MetricName[]) {
  const { kind, labels }: MetricRow = METRICS[name];
  const [series, own] = [prometheusName(name), labels.map(prometheusLabel)];
  if (kind !== "histogram") exported.set(series, own);
  else for (const part of ["bucket", "sum", "count"]) exported.set(`${series}_${part}`, [...own, "le"]);
}
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));

/** Returns the texts of an expression's nodes of one kind. */
function nodesOf(expr: string, kind: string): readonly string[] {
  const found: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      if (name === kind || name === "⚠") found.push(name === "⚠" ? `error at ${from}` : expr.slice(from, to));
    },
  });
  return found;
}

describe.each([
  ...rules.map(({ alert, record, expr }) => [alert ?? record ?? "", expr] as const),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel ${title}`, expr] as const)),
])("%s", (_name, expr) => {
  const metrics = nodesOf(expr, "VectorSelector").map((text) => text.replace(/\{.*/s, ""));

  test("reads only series that the gateway exports or a rule records", () => {
    expect(metrics).not.toEqual([]);
    expect(metrics.filter((name) => !exported.has(name) && !recorded.has(name))).toEqual([]);
  });

  test("uses only labels of these series", () => {
    // Prometheus adds `instance`.
    const known = new Set([...metrics.flatMap((name) => exported.get(name) ?? []), "instance"]);
    expect(nodesOf(expr, "LabelName").filter((label) => !known.has(label))).toEqual([]);
  });
});

test("every alert has a severity and a section of the runbook, and every section of an alert has one", () => {
  const page = readFileSync("docs/operators/runbooks.md", "utf8");
  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(" ", "-"),
  );
  const linked = alerts.map(({ annotations }) => annotations?.runbook.split("#")[1]);
  expect(new Set(linked)).toEqual(new Set(sections.filter((section) => section !== "the-service-levels")));
  expect(new Set(alerts.map(({ labels }) => labels?.severity))).toEqual(new Set(["page", "ticket"]));
});

test("rules match only categories that errors have", () => {
  const matched = rules.flatMap(({ expr }) =>
    [...expr.matchAll(/category=~?"([^"]+)"/g)].flatMap(([, values = ""]) => values.split("|")),
  );
  expect(new Set(matched)).toEqual(new Set(["INTERNAL", "UNAVAILABLE", "MISCONFIGURED", "UPSTREAM"]));
  expect(matched.filter((category) => !(category in CAM_ERROR_CATEGORY_DESCRIPTIONS))).toEqual([]);
});
