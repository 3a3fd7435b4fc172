import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "kysely";
import { ApprovalLog } from "../audit/approval-log.ts";
import { AuditEvents } from "../audit/audit-events.ts";
import { ChainAnchors } from "../audit/chain-anchors.ts";
import { ChangeLog } from "../audit/change-log.ts";
import { AuditCheckpointer } from "../audit/checkpointer.ts";
import { RefusalLog } from "../audit/refusal-log.ts";
import { RequestSeal } from "../audit/request-seal.ts";
import { RolloutLog } from "../audit/rollout-log.ts";
import { loadSigningKeys, type SigningKeys } from "../audit/signing-keys.ts";
import type { Config } from "../config/config.ts";
import type { StoreSettings } from "../config/record-settings.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { readUrlFile } from "../database/database-address.ts";
import { migrate, missingMigrations } from "../database/migrate.ts";
import { openPglite } from "../database/pglite-database.ts";
import { openPostgres } from "../database/postgres-database.ts";
import { explainStoreError, isUnavailable } from "../database/store-errors.ts";
import { Poller } from "../poller.ts";
import type { SharedWindows } from "../quota/shared-rate-budget.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { readUtf8File } from "../utf8.ts";
import type { Foundation } from "./foundation.ts";
import { recordPools, statementObserver } from "./observers.ts";
import { MIGRATIONS_DIR, PGLITE_TEMPLATE_DIR } from "./package-paths.ts";

/**
 * Opens the database and brings its schema up to date. Reports an idle connection that breaks, and a built-in database
 * that stops. The database replaces both.
 *
 * @throws DatabaseError
 */
export async function openDatabase({ config, telemetry, open }: Foundation): Promise<Database> {
  const onBroken = (err: Error) => telemetry.report("database.connection_broken", { err });
  const database = await connect(config.store, onBroken, statementObserver(telemetry));
  telemetry.metrics.sample(() => recordPools(telemetry, database.pools()));
  open.defer(() => database.close());
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

/** The record of changes, with the keys that sign it. */
interface OpenRecord {
  readonly log: ChangeLog;
  readonly approvalLog: ApprovalLog;
  readonly rolloutLog: RolloutLog;
  readonly keys: SigningKeys | undefined;
  /** Makes the MACs of starts of rollouts. Needs a signing key, because replicas share no other key. */
  readonly sharedSeal: RequestSeal | undefined;
}

/** Opens the record of changes in the database. @throws KeyFileError */
export async function openRecord({ config, logger }: Foundation, database: Database): Promise<OpenRecord> {
  const { replica, bulkGuard: guard, checkpoints } = config;
  const keys = checkpoints && (await loadSigningKeys(checkpoints));
  const seal = await openRequestSeal(config, keys);
  const shared = { database, replica, guard, seal };
  const approvalLog = new ApprovalLog({ ...shared, report: logger.report });
  const rolloutLog = new RolloutLog(shared);
  return { log: new ChangeLog(shared), approvalLog, rolloutLog, keys, sharedSeal: keys && seal };
}

/** The events of the record, and the log of refusals that writes some of them. */
interface OpenEvents {
  readonly events: AuditEvents;
  readonly refusals: RefusalLog;
}

/** Opens the events of the record. */
export function openEvents({ clock, logger, open }: Foundation, database: Database): OpenEvents {
  const events = new AuditEvents(database);
  const refusals = new RefusalLog({ events, clock, report: logger.report });
  refusals.start();
  open.defer(() => refusals.stop());
  return { events, refusals };
}

/** Starts to sign checkpoints, if the configuration has a signing key. @throws AnchorFileError */
export async function startCheckpoints(
  { config, clock, telemetry, open }: Foundation,
  database: Database,
  keys: SigningKeys | undefined,
): Promise<AuditCheckpointer | undefined> {
  if (config.checkpoints === undefined || keys === undefined) return undefined;
  const { anchorFile, intervalMs } = config.checkpoints;
  const { report, health } = telemetry;
  const anchors = await ChainAnchors.open({ file: anchorFile, report });
  const onState = (problem: string | undefined) => health.report("record", undefined, problem);
  const checkpointer = new AuditCheckpointer({
    ...{ database, ...keys, anchors, clock, intervalMs, report, onState },
  });
  await checkpointer.start();
  open.defer(() => checkpointer.stop());
  return checkpointer;
}

const SECRET_FILE = "approval-key";

/**
 * Returns the seal of requests for approval, from the signing key. Local mode without a signing key creates a key in
 * its data folder. With PostgreSQL it has no data folder, so the key lasts as long as the process. Server mode without
 * a signing key has no seal, and no request can be approved.
 */
export async function openRequestSeal(
  { mode, store }: Pick<Config, "mode" | "store">,
  keys: SigningKeys | undefined,
): Promise<RequestSeal | undefined> {
  if (keys !== undefined) return RequestSeal.ofSigningKey(keys.privateKey, keys.previousKey);
  if (mode === "server") return undefined;
  return RequestSeal.ofSecret(
    store.kind === "pglite" ? await secretIn(join(store.dataDir, SECRET_FILE)) : randomBytes(32),
  );
}

/** Reads the key. Writes a new one if the file holds none, which makes pending requests for approval void. */
async function secretIn(file: string): Promise<Uint8Array> {
  const text = (await readUtf8File(file).catch(() => "")).trim();
  if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, "hex");
  const secret = randomBytes(32);
  await writeFile(file, `${secret.toString("hex")}\n`, { mode: 0o600 });
  return secret;
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
    open,
  }: Pick<Foundation, "clock" | "open"> & { readonly telemetry: Pick<Telemetry, "health"> },
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
  open.defer(() => poller.stop());
}
