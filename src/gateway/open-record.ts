import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ApprovalStore } from "../audit/approval-store.ts";
import { AuditEvents } from "../audit/audit-events.ts";
import { ChainAnchors } from "../audit/chain-anchors.ts";
import { ChangeStore } from "../audit/change-store.ts";
import { AuditCheckpointer } from "../audit/checkpointer.ts";
import { RefusalRecorder } from "../audit/refusal-recorder.ts";
import { RequestMacs } from "../audit/request-macs.ts";
import { RolloutChangeStore } from "../audit/rollout-change-store.ts";
import { loadSigningKeys, type SigningKeys } from "../audit/signing-keys.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import { readUtf8File } from "../utf8.ts";
import type { Foundation } from "./foundation.ts";

/** The record of changes, with the keys that sign it. */
export interface OpenRecord {
  readonly changeStore: ChangeStore;
  readonly approvalStore: ApprovalStore;
  readonly rolloutChangeStore: RolloutChangeStore;
  readonly keys: SigningKeys | undefined;
  /** Makes the MACs of starts of rollouts. Needs a signing key, because replicas share no other key. */
  readonly sharedMacs: RequestMacs | undefined;
}

/** Opens the record of changes in the database. @throws KeyFileError */
export async function openRecord({ config, logger }: Foundation, database: Database): Promise<OpenRecord> {
  const { replica, bulkGuard: guard, checkpoints } = config;
  const keys = checkpoints && (await loadSigningKeys(checkpoints));
  const requestMacs = await openRequestMacs(config, keys);
  const shared = { database, replica, guard, requestMacs };
  const approvalStore = new ApprovalStore({ ...shared, report: logger.report });
  const rolloutChangeStore = new RolloutChangeStore(shared);
  return {
    changeStore: new ChangeStore(shared),
    approvalStore,
    rolloutChangeStore,
    keys,
    sharedMacs: keys && requestMacs,
  };
}

/** The events of the record, and the recorder of refusals that writes some of them. */
interface OpenEvents {
  readonly events: AuditEvents;
  readonly refusals: RefusalRecorder;
}

/** Opens the events of the record. */
export function openEvents({ clock, logger, closers }: Foundation, database: Database): OpenEvents {
  const events = new AuditEvents(database);
  const refusals = new RefusalRecorder({ events, clock, report: logger.report });
  refusals.start();
  closers.defer(() => refusals.stop());
  return { events, refusals };
}

/** Starts to sign checkpoints, if the configuration has a signing key. @throws AnchorFileError */
export async function startCheckpoints(
  { config, clock, telemetry, closers }: Foundation,
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
  closers.defer(() => checkpointer.stop());
  return checkpointer;
}

const SECRET_FILE = "approval-key";

/**
 * Returns the MACs of requests for approval, from the signing key. Local mode without a signing key creates a key in
 * its data folder. With PostgreSQL it has no data folder, so the key lasts as long as the process. Server mode without
 * a signing key has no MACs, and no request can be approved.
 */
export async function openRequestMacs(
  { mode, store }: Pick<Config, "mode" | "store">,
  keys: SigningKeys | undefined,
): Promise<RequestMacs | undefined> {
  if (keys !== undefined) return RequestMacs.ofSigningKey(keys.privateKey, keys.previousKey);
  if (mode === "server") return undefined;
  return RequestMacs.ofSecret(
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
