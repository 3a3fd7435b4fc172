import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { LOOPBACK_NAMES } from "../config/cam-connection.ts";
import { LOOPBACK_HOSTS } from "../config/config.ts";
import { createAdminApp, type Version } from "../http/admin-app.ts";
import type { Health } from "../telemetry/health.ts";
import { LOG_EVENTS } from "../telemetry/log-events.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Metrics } from "../telemetry/metrics.ts";
import type { Foundation } from "./foundation.ts";
import { COMMIT_FILE, PACKAGE_JSON, SUBGRAPH_SDL } from "./package-paths.ts";

/** Starts OpenTelemetry's SDK if the configuration wants it, and the metrics of the process. */
export async function startTelemetry(
  { config, clock, logger, closers }: Omit<Foundation, "telemetry">,
  health: Health,
): Promise<Pick<Foundation, "logger" | "telemetry">> {
  const metrics = new Metrics();
  if (config.admin === undefined && config.openTelemetry === undefined) {
    return { logger, telemetry: { clock, report: logger.report, health, metrics, spans: undefined } };
  }
  const counting = countErrors(logger, metrics);
  const shared = { clock, report: counting.report, health, metrics };
  sampleHealth(health, metrics);
  const release = await readRelease();
  sampleProcess({ clock, closers }, metrics, release);
  if (config.openTelemetry === undefined)
    return { logger: counting, telemetry: { ...shared, spans: undefined } };
  const { startOpenTelemetry } = await import("../telemetry/open-telemetry.ts");
  const started = startOpenTelemetry({ ...shared, ...config.openTelemetry, version: release.version });
  if (started !== undefined) closers.defer(() => started.stop());
  return { logger: counting, telemetry: { ...shared, spans: started?.spans } };
}

/** Returns a logger that also counts the lines of the levels error and fatal. */
function countErrors(logger: Logger, metrics: Metrics): Logger {
  return {
    ...logger,
    report: (event, fields) => {
      if (["error", "fatal"].includes(LOG_EVENTS[event].level)) {
        metrics.record("gateway.log.errors", 1, { event });
      }
      logger.report(event, fields);
    },
    child: (fields) => countErrors(logger.child(fields), metrics),
  };
}

function sampleHealth(health: Health, metrics: Metrics): void {
  metrics.sample(() => {
    const { isReady, parts } = health.read();
    metrics.record("gateway.ready", isReady ? 1 : 0);
    for (const { part, of = "", state } of parts) {
      metrics.record("gateway.part.degraded", state === "degraded" ? 1 : 0, { part, of });
    }
  });
}

/** Scrapers that come together share one sample of the event loop. */
const SAMPLE_MS = 5_000;

const NS_PER_S = 1e9;
const US_PER_S = 1e6;

function sampleProcess(
  { clock, closers }: Pick<Foundation, "clock" | "closers">,
  metrics: Metrics,
  { version, commit }: Pick<Awaited<ReturnType<typeof readRelease>>, "version" | "commit">,
): void {
  const delays = monitorEventLoopDelay();
  delays.enable();
  closers.defer(async () => void delays.disable());
  let loop = performance.eventLoopUtilization();
  let sampled = { atMs: Number.NEGATIVE_INFINITY, p99Ns: 0, utilization: 0 };
  let countedUs = 0;
  metrics.sample(() => {
    metrics.record("gateway.info", 1, { version, commit });
    const atMs = clock.monotonic();
    if (atMs - sampled.atMs >= SAMPLE_MS) {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, loop);
      sampled = { atMs, p99Ns: delays.percentile(99), utilization };
      loop = now;
      delays.reset();
    }
    metrics.record("nodejs.eventloop.delay.p99", sampled.p99Ns / NS_PER_S);
    metrics.record("nodejs.eventloop.utilization", sampled.utilization);
    const { user, system } = process.cpuUsage();
    metrics.record("process.cpu.time", (user + system - countedUs) / US_PER_S);
    countedUs = user + system;
    metrics.record("process.memory.usage", process.memoryUsage.rss());
    metrics.record("process.uptime", process.uptime());
  });
}

/**
 * Opens the admin port before all other parts, so that it shows their start, and closes it after them.
 *
 * @returns its address, for example `http://127.0.0.1:9464`. Undefined if the configuration has none.
 */
export async function openAdminPort({
  config,
  clock,
  logger,
  telemetry,
  closers,
}: Foundation): Promise<string | undefined> {
  if (config.admin === undefined) return undefined;
  const { host, port } = config.admin;
  const startedMs = clock.monotonic();
  const release = await readRelease();
  const app = createAdminApp({
    health: telemetry.health,
    metrics: await telemetry.metrics.enablePrometheus(),
    logger,
    version: () => ({
      ...release,
      uptimeSeconds: Math.floor((clock.monotonic() - startedMs) / 1_000),
    }),
    hostnames: LOOPBACK_HOSTS.includes(host) ? LOOPBACK_NAMES : undefined,
  });
  closers.defer(() => app.close());
  await app.listen({ host, port });
  const { address, port: taken } = app.server.address() as AddressInfo;
  return `http://${address.includes(":") ? `[${address}]` : address}:${taken}`;
}

/** Reads the version, the commit and the schema of this release. */
async function readRelease(): Promise<Omit<Version, "uptimeSeconds">> {
  const [manifest, commit, sdl] = await Promise.all([
    readFile(PACKAGE_JSON, "utf8"),
    readFile(COMMIT_FILE, "utf8").catch(() => "unknown"),
    readFile(SUBGRAPH_SDL),
  ]);
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return { version, commit: commit.trim(), schemaHash: createHash("sha256").update(sdl).digest("hex") };
}
