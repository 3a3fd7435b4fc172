import { randomUUID } from "node:crypto";
import type { Logger } from "kysely";
import type { StoreSettings } from "../config/record-settings.ts";
import { type Database, DatabaseError, type PoolState } from "../database/database.ts";
import { readUrlFile } from "../database/database-address.ts";
import { migrate, missingMigrations } from "../database/migrate.ts";
import { openPglite } from "../database/pglite-database.ts";
import { openPostgres } from "../database/postgres-database.ts";
import { explainStoreError, isUnavailable } from "../database/store-errors.ts";
import { JobQueue } from "../jobs/job-queue.ts";
import { Poller } from "../poller.ts";
import type { SharedWindows } from "../quota/shared-quota.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Foundation } from "./foundation.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "./package-paths.ts";

/**
 * Opens the database and brings its schema up to date. Reports an idle connection that breaks, and a built-in database
 * that stops. The database replaces both.
 *
 * @throws DatabaseError
 */
export async function openDatabase({ config, telemetry, closers }: Foundation): Promise<Database> {
  const onBroken = (err: Error) => telemetry.report("database.connection_broken", { err });
  const database = await connect(config.store, onBroken, statementObserver(telemetry));
  telemetry.metrics.sample(() => recordPools(telemetry, database.pools()));
  closers.defer(() => database.close());
  await migrate(database, MIGRATIONS_DIR);
  return database;
}

function connect(
  store: StoreSettings,
  onBroken: (error: Error) => void,
  onStatement: Logger | undefined,
): Promise<Database> {
  if (store.kind === "pglite") {
    return openPglite({ dataDir: store.dataDir, templateDir: PGLITE_TEMPLATE_DIR, onBroken, onStatement });
  }
  const { url, maxConnections } = store;
  const address = "value" in url ? url.value.reveal() : () => readUrlFile(url.file);
  return openPostgres({ url: address, maxConnections, onIdleError: onBroken, onStatement });
}

/** Adds a span for each statement. Undefined without tracing. */
function statementObserver({ spans }: Telemetry): Logger | undefined {
  if (spans === undefined) return undefined;
  return ({ query, queryDurationMillis, ...event }) => {
    const summary = summaryOf(query.sql);
    const attributes = { "db.system.name": "postgresql", "db.query.summary": summary };
    const error = event.level === "error" ? ((event.error as { code?: string }).code ?? "_OTHER") : undefined;
    spans.add(summary, queryDurationMillis, attributes, error);
  };
}

/** Returns the first word of a statement and its table or function: `select begin_change`. */
function summaryOf(sql: string): string {
  const [, verb = "", target = ""] =
    /^\s*(\w+)(?:[^"\w]*(?:.*?\b(?:from|into|update)\b)?[\s"]*(\w+))?/is.exec(sql) ?? [];
  // The function that a statement runs for each row says more than the source of the rows.
  const forEach = /\blateral (\w+)/i.exec(sql)?.[1];
  return `${verb} ${forEach ?? target}`.toLowerCase().trim();
}

/** Records the connections to PostgreSQL. */
function recordPools({ metrics }: Telemetry, pools: readonly PoolState[]): void {
  for (const { name, idle, used, pending } of pools) {
    const pool = { "db.client.connection.pool.name": name };
    metrics.record("db.client.connection.count", idle, { ...pool, "db.client.connection.state": "idle" });
    metrics.record("db.client.connection.count", used, { ...pool, "db.client.connection.state": "used" });
    metrics.record("db.client.connection.pending_requests", pending, pool);
  }
}

const CHECK_EVERY_MS = 10_000;

/**
 * Requires a database that takes writes, and then checks it every ten seconds, so that an idle replica also notices a
 * fault. The quota's observer reports an outage and its end.
 *
 * @throws DatabaseError if the database cannot be written.
 */
export async function watchDatabase(
  {
    clock,
    telemetry: { health },
    closers,
  }: Pick<Foundation, "clock" | "closers"> & { readonly telemetry: Pick<Telemetry, "health"> },
  database: Database,
  windows: Pick<SharedWindows, "check" | "isShared">,
): Promise<void> {
  const check = async (): Promise<void> => {
    await windows.check();
    health.report("database", undefined);
    const missing = await missingMigrations(database, MIGRATIONS_DIR);
    const lacks = `The database lacks ${missing.join(", ")}. Run the migrations, or restore a newer copy.`;
    health.report("schema", undefined, missing.length === 0 ? undefined : lacks);
  };
  await check().catch((error: Error) => {
    const reason = explainStoreError(error.cause ?? error);
    throw new DatabaseError(`The database cannot be written: ${reason}.`, { cause: error });
  });
  const poller = new Poller(clock, async () => {
    // During an outage the quota probes the database itself.
    if (windows.isShared) {
      await check().catch((error: unknown) => {
        if (isUnavailable(error)) return;
        health.report("schema", undefined, "The database lacks tables or functions. Run the migrations.");
      });
    }
    return CHECK_EVERY_MS;
  });
  poller.start(CHECK_EVERY_MS);
  closers.defer(() => poller.stop());
}

/** The dependencies that parts with background work share. */
export interface JobParts {
  /** Names this process among the replicas, and no other process at any time. */
  readonly owner: string;
  readonly send: JobQueue["send"];
}

/** Opens the queue of background jobs. It runs jobs once it is started with their kinds. */
export function openJobs(
  { config, clock, telemetry: { report }, closers }: Foundation,
  database: Database,
): { readonly queue: JobQueue; readonly parts: JobParts } {
  const queue = new JobQueue({
    ...{ store: database.jobs, clock },
    observer: {
      onUnavailable: (err) => report("jobs.unavailable", { err }),
      onStarted: () => report("jobs.started"),
      onError: (err) => report("jobs.failed", { err }),
    },
  });
  closers.defer(() => queue.stop());
  const owner = `${config.replica} ${randomUUID()}`;
  return { queue, parts: { owner, send: (...job) => queue.send(...job) } };
}
