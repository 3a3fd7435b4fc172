import type { Meter } from "@opentelemetry/api";
import type { Counter } from "prom-client";
import { METRICS, type MetricName, type MetricRow, prometheusLabel, prometheusName } from "./metric-table.ts";

/** The values of a metric's labels. */
type Labels = Readonly<Record<string, string | number>>;

/** Adds to a counter, observes a histogram, or sets a gauge. */
type Recorder = (value: number, labels: Labels) => void;

/** The metrics in the text format of Prometheus. */
export interface PrometheusText {
  readonly contentType: string;
  read(): Promise<string>;
}

/** The metrics of the table. Recording never waits. Without a consumer of the metrics it does nothing. */
export class Metrics {
  readonly #recorders = new Map<MetricName, readonly Recorder[]>();
  readonly #samplers: (() => void)[] = [];
  #forget: (account: string) => Promise<void> = async () => undefined;

  /** Records a value: the increment of a counter, a measurement of a histogram, or the state of a gauge. */
  record(name: MetricName, value: number, labels: Labels = {}): void {
    for (const record of this.#recorders.get(name) ?? []) record(value, labels);
  }

  /** Adds a function that records gauges. It runs before each scrape and each export. */
  sample(sampler: () => void): void {
    this.#samplers.push(sampler);
  }

  /** Removes the counters of an account that is gone from the text of Prometheus. */
  forget(account: string): Promise<void> {
    return this.#forget(account);
  }

  /** Adds the text of Prometheus. Loads its library, which a gateway without an admin port does not need. */
  async enablePrometheus(): Promise<PrometheusText> {
    const prom = await import("prom-client");
    const registry = new prom.Registry();
    const gauges: { reset(): void }[] = [];
    const ofAccounts: Counter[] = [];
    for (const [name, { kind, labels, buckets, help }] of rows) {
      const labelNames = labels.map(prometheusLabel);
      const options = { name: prometheusName(name), help, labelNames, registers: [registry] };
      if (kind === "histogram") {
        const metric = new prom.Histogram({ ...options, buckets: [...buckets] });
        this.#add(name, (value, values) => metric.observe(inPrometheus(values), value));
      } else if (kind === "gauge") {
        const metric = new prom.Gauge(options);
        gauges.push(metric);
        this.#add(name, (value, values) => metric.set(inPrometheus(values), value));
      } else {
        const metric = new prom.Counter(options);
        if (labels.includes("account")) ofAccounts.push(metric);
        this.#add(name, (value, values) => metric.inc(inPrometheus(values), value));
      }
    }
    this.#forget = async (account) => {
      for (const metric of ofAccounts) {
        const { values } = await metric.get();
        for (const { labels } of values) if (labels["account"] === account) metric.remove(labels);
      }
    };
    return {
      contentType: registry.contentType,
      read: () => {
        // The samplers set every gauge again, except those of an account that is gone.
        for (const gauge of gauges) gauge.reset();
        this.#runSamplers();
        return registry.metrics();
      },
    };
  }

  /** Adds OpenTelemetry's instruments, whose readers export them. */
  enableOpenTelemetry(meter: Meter): void {
    for (const [name, { kind, unit, buckets, help: description }] of rows) {
      const options = { description, ...(unit === undefined ? {} : { unit }) };
      if (kind === "histogram") {
        const advice = { explicitBucketBoundaries: [...buckets] };
        const metric = meter.createHistogram(name, { ...options, advice });
        this.#add(name, (value, labels) => metric.record(value, labels));
      } else if (kind === "gauge") {
        const metric = meter.createGauge(name, options);
        this.#add(name, (value, labels) => metric.record(value, labels));
      } else {
        const metric = meter.createCounter(name, options);
        this.#add(name, (value, labels) => metric.add(value, labels));
      }
    }
    // A reader calls back for this gauge before it collects the others.
    const sampled = meter.createObservableGauge("gateway.sampled", { description: "Always 1." });
    sampled.addCallback((result) => {
      this.#runSamplers();
      result.observe(1);
    });
  }

  #add(name: MetricName, recorder: Recorder): void {
    this.#recorders.set(name, [...(this.#recorders.get(name) ?? []), recorder]);
  }

  #runSamplers(): void {
    for (const sample of this.#samplers) sample();
  }
}

const rows = Object.entries(METRICS) as readonly (readonly [MetricName, MetricRow])[];

/** Returns the labels by their names in Prometheus. */
function inPrometheus(labels: Labels): Labels {
  const renamed: Record<string, string | number> = {};
  for (const label in labels) renamed[prometheusLabel(label)] = labels[label] ?? "";
  return renamed;
}
