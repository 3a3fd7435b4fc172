/**
 * Owns OpenTelemetry's SDK. The standard OTEL_* variables configure it, and the SDK reads them itself. Only a gateway
 * with such variables loads this file and the SDK.
 */

import {
  type Attributes,
  context,
  DiagLogLevel,
  diag,
  metrics as otelMetrics,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { type Clock, within } from "../clock.ts";
import type { Report } from "./log-events.ts";
import type { Metrics } from "./metrics.ts";
import { currentOperation } from "./operation.ts";
import type { Spans } from "./telemetry.ts";

interface OpenTelemetryDeps {
  readonly clock: Clock;
  readonly report: Report;
  readonly metrics: Metrics;
  /** The release, which resource attributes name. */
  readonly version: string;
  /** The value of OTEL_METRICS_EXPORTER. */
  readonly metricsExporter: string | undefined;
}

interface OpenTelemetry {
  readonly spans: Spans;
  /** Exports the queued spans, for at most two seconds. */
  stop(): Promise<void>;
}

const NAME = "cam-mfa-gateway";

/** The time limit of the last export, so that an unavailable collector does not delay the stop. */
const STOP_MS = 2_000;

/** A failing export repeats every few seconds. */
const REPORT_EVERY_MS = 60_000;

/**
 * Starts the SDK. A variable that it cannot use is reported, and the gateway runs without traces. The SDK's queues are
 * bounded, and nothing waits for them.
 */
export function startOpenTelemetry(deps: OpenTelemetryDeps): OpenTelemetry | undefined {
  const { clock, report, metrics, version, metricsExporter = "" } = deps;
  const observer = diagnostics(clock, report);
  try {
    const sdk = new NodeSDK({
      resource: resourceFromAttributes({ "service.name": NAME, "service.version": version }),
      // The log is standard output.
      logRecordProcessors: [],
      // The admin port serves Prometheus. The SDK would open a port of its own.
      ...(metricsExporter.includes("prometheus") ? { metricReaders: [] } : {}),
    });
    diag.setLogger(observer, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    sdk.start();
    metrics.enableOpenTelemetry(otelMetrics.getMeter(NAME, version));
    return {
      spans: createSpans(clock, version),
      stop: async () => {
        await within(clock, STOP_MS, sdk.shutdown(), () => undefined).catch(observer.error);
        for (const api of [context, trace, otelMetrics, propagation, diag]) api.disable();
      },
    };
  } catch (error) {
    observer.error((error as Error).message);
    return undefined;
  }
}

/** Returns a logger of the SDK's warnings and errors that reports one a minute. */
function diagnostics(clock: Clock, report: Report) {
  let lastMs = Number.NEGATIVE_INFINITY;
  const note = (problem: unknown): void => {
    if (clock.monotonic() - lastMs < REPORT_EVERY_MS) return;
    lastMs = clock.monotonic();
    report("telemetry.problem", { problem: String(problem) });
  };
  const ignore = (): void => undefined;
  return { error: note, warn: note, info: ignore, debug: ignore, verbose: ignore };
}

function createSpans(clock: Clock, version: string): Spans {
  const tracer = trace.getTracer(NAME, version);
  const startChild = (name: string, kind: SpanKind, attributes: Attributes, startTime?: number) => {
    const parent = currentOperation.getStore()?.span;
    if (parent?.isRecording() !== true) return undefined;
    const options = { kind, attributes, ...(startTime === undefined ? {} : { startTime }) };
    return tracer.startSpan(name, options, trace.setSpan(context.active(), parent));
  };
  return {
    startServer: (name, headers, attributes): Span =>
      tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes },
        propagation.extract(context.active(), headers),
      ),
    start: (name, attributes) => startChild(name, SpanKind.INTERNAL, attributes),
    add: (name, durationMs, attributes, error) => {
      const span = startChild(name, SpanKind.CLIENT, attributes, clock.now() - durationMs);
      if (error !== undefined) {
        span?.setAttribute("error.type", error);
        span?.setStatus({ code: SpanStatusCode.ERROR });
      }
      span?.end();
    },
  };
}
