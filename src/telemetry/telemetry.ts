import type { IncomingHttpHeaders } from "node:http";
import type { Attributes, Span } from "@opentelemetry/api";
import type { Clock } from "../clock.ts";
import type { Health } from "./health.ts";
import type { Report } from "./log-events.ts";
import type { Metrics } from "./metrics.ts";

/**
 * Receives what the parts of the gateway report. The files of gateway/ turn each event into its log line, its metrics, its
 * span and the state of its part.
 */
export interface Telemetry {
  readonly clock: Clock;
  readonly report: Report;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Undefined without tracing. */
  readonly spans: Spans | undefined;
}

/** Creates the spans of a trace. */
export interface Spans {
  /** Starts the span of a request, as a child of the caller's span if the headers have one (W3C Trace Context). */
  startServer(name: string, headers: IncomingHttpHeaders, attributes: Attributes): Span;
  /** Starts a span inside the operation that runs now. Undefined if its trace is not sampled. */
  start(name: string, attributes: Attributes): Span | undefined;
  /** Adds a span that ends now to the operation that runs now. */
  add(name: string, durationMs: number, attributes: Attributes, error?: string): void;
}
