import type { Health } from "./health.ts";
import type { Report } from "./log-events.ts";

/** Receives what the parts of the gateway report. gateway/observers.ts turns each event into a log line and a state. */
export interface Telemetry {
  readonly report: Report;
  readonly health: Health;
}
