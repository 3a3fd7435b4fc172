/**
 * Owns the metrics: every metric has a row here with its kind, unit, labels and help. docs/operators/metrics.md is
 * generated from the table. Names and labels are those of OpenTelemetry; `prometheusName` gives the names on the admin
 * port. A label never holds a value that a caller chooses: metrics.test.ts counts the series.
 */
export interface MetricRow {
  readonly kind: "counter" | "histogram" | "gauge";
  /** `s` for seconds, `By` for bytes. Undefined for a count. */
  readonly unit: "s" | "By" | undefined;
  readonly labels: readonly string[];
  /** The upper bounds of a histogram's buckets. */
  readonly buckets: readonly number[];
  readonly help: string;
}

const counter = (labels: readonly string[], help: string, unit?: MetricRow["unit"]): MetricRow => ({
  ...{ kind: "counter", unit, labels, buckets: [], help },
});
const gauge = (labels: readonly string[], help: string, unit?: MetricRow["unit"]): MetricRow => ({
  ...{ kind: "gauge", unit, labels, buckets: [], help },
});
const seconds = (labels: readonly string[], buckets: readonly number[], help: string): MetricRow => ({
  ...{ kind: "histogram", unit: "s", labels, buckets, help },
});

const OWN_TIME = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const WAITS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const METRICS = {
  "http.server.request.duration": seconds(
    ["http.request.method", "http.response.status_code", "http.route", "url.scheme"],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    "Requests to the GraphQL endpoint. Methods other than GET and POST count as _OTHER.",
  ),
  "graphql.operations": counter(
    ["graphql.operation.type", "category"],
    "Operations by the worst category of their errors, thrown or as data, or OK. The type is none for a request that did not reach GraphQL.",
  ),
  "graphql.operation.own_duration": seconds(
    ["graphql.operation.type"],
    OWN_TIME,
    "The gateway's own time of an operation: its duration without the time in which calls to CAM were under way.",
  ),
  "mfa.changes": counter(
    ["status", "code", "category"],
    "Requests for changes by outcome. The code is OK or one of docs/errors.md.",
  ),
  "mfa.changes.reconciled": counter(["status"], "Open changes that the reconciler settled."),
  refusals: counter(["rule"], "Refusals after authentication, by the kind of rule."),
  "rejected.tokens": counter(
    ["reason"],
    "Tokens and certificates that the gateway rejected or could not check.",
  ),
  "caller.pauses": counter([], "Callers that the bulk guard paused."),
  "cam.calls": counter(["action", "outcome"], "Attempts at calls to CAM."),
  "cam.account.calls": counter(["account", "outcome"], "Attempts at calls to CAM by account."),
  "cam.call.duration": seconds([], WAITS, "Attempts at calls to CAM, without the wait for a slot."),
  "cam.quota.wait": seconds([], WAITS, "Waits for a slot of the quota."),
  "cam.quota.slots": counter(["account", "action"], "Slots of the quota that calls of this replica used."),
  "cam.quota.limit": gauge(["account"], "Calls of one action a second that the gateway makes at most."),
  "cam.quota.queue": gauge(["account"], "Calls of this replica that wait for a slot."),
  "cam.circuits.open": gauge(["account"], "Actions whose circuit is open."),
  "cam.clock.skew": gauge(
    ["account"],
    "CAM's clock minus this machine's, if they differ by 5 s or more.",
    "s",
  ),
  "cam.credential.age": gauge(["account"], "The time since the key in use was loaded.", "s"),
  "cam.credential.expiry": gauge(["account"], "The time until the temporary key in use ends.", "s"),
  "directory.drift": counter(
    ["account"],
    "Users whose protections were changed, but not through the gateway.",
  ),
  rollouts: gauge(["status"], "Rollouts that are not over, by status. Every replica reports all of them."),
  "rollout.items": gauge(
    ["state"],
    "Users of rollouts that run or are paused, by state. Every replica reports all of them.",
  ),
  "rollout.steps": counter(
    ["step"],
    "Steps of rollouts in this replica: started, paused, finished, stopped and so on.",
  ),
  "webhook.attempts": counter(
    ["receiver", "outcome"],
    "Attempts to deliver an event to a receiver. The outcome is delivered or failed.",
  ),
  "webhook.events.waiting": gauge(["receiver"], "Events that the receiver still has to get."),
  "webhook.events.age": gauge(["receiver"], "The time since the oldest of them was queued.", "s"),
  "webhook.events.dead": gauge(["receiver"], "Events in the dead-letter list."),
  "gateway.part.degraded": gauge(
    ["part", "of"],
    "1 while the part is degraded, otherwise 0. See docs/operators/health.md.",
  ),
  "gateway.ready": gauge([], "1 while the replica accepts requests, otherwise 0."),
  "gateway.info": gauge(["version", "commit"], "Always 1."),
  "gateway.log.errors": counter(
    ["event"],
    "Log lines of the levels error and fatal. See docs/operators/log-events.md.",
  ),
  "db.client.connection.count": gauge(
    ["db.client.connection.pool.name", "db.client.connection.state"],
    "Connections to PostgreSQL.",
  ),
  "db.client.connection.pending_requests": gauge(
    ["db.client.connection.pool.name"],
    "Statements that wait for a connection.",
  ),
  "nodejs.eventloop.delay.p99": gauge(
    [],
    "The 99th percentile of the event loop's delay since the last scrape.",
    "s",
  ),
  "nodejs.eventloop.utilization": gauge(
    [],
    "The part of the time in which the event loop was busy since the last scrape.",
  ),
  "process.cpu.time": counter([], "CPU time of the process.", "s"),
  "process.memory.usage": gauge([], "Resident memory of the process.", "By"),
  "process.uptime": gauge([], "The time since the process started.", "s"),
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof METRICS;

const UNITS = { s: "_seconds", By: "_bytes" } as const;

/** Returns the name of a metric in Prometheus, by the rules of OpenTelemetry's exporters. */
export function prometheusName(name: MetricName): string {
  const { kind, unit }: MetricRow = METRICS[name];
  const suffix = unit === undefined ? "" : UNITS[unit];
  return `${name.replaceAll(".", "_")}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/** Returns the name of a label in Prometheus. */
export function prometheusLabel(label: string): string {
  return label.replaceAll(".", "_");
}
