import type { ChangeStore } from "../audit/change-store.ts";
import { Accounts, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import { createProviderChain } from "../cam/index.ts";
import type { AccountSettings } from "../config/accounts-file.ts";
import { hashOf } from "../config/settings-file.ts";
import type { Database } from "../database/database.ts";
import { Poller, readOnce } from "../poller.ts";
import { SharedWindows } from "../quota/shared-quota.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import {
  type Account,
  type Connection,
  connectionTo,
  createAccount,
  type SharedParts,
} from "./create-account.ts";
import type { Foundation } from "./foundation.ts";
import { LiveAccounts } from "./live-accounts.ts";
import { type LocalCam, startLocalCam } from "./local-cam.ts";

interface OpenAccounts {
  readonly accounts: Accounts<Account>;
  readonly live: LiveAccounts;
  /** The emulators behind accounts, by the account's name. */
  readonly emulators: ReadonlyMap<string, LocalCam>;
}

/**
 * Opens every configured account. Starts without CAM, if CAM does not answer.
 * @throws ConfigError for a bad file of accounts, and for a key of another main account than its account's name.
 */
export async function openAccounts(
  foundation: Foundation,
  shared: SharedParts,
  mayUse: (caller: CallerIdentity, name: string) => boolean,
): Promise<OpenAccounts> {
  const { config, telemetry, closers } = foundation;
  const emulators = new Map<string, LocalCam>();
  const startEmulator = async (name: string): Promise<Connection> => {
    const emulator = await startLocalCam(name);
    emulators.set(name, emulator);
    const endpoint = { origin: emulator.url, serviceHost: "cam.tencentcloudapi.com" };
    const stopEmulator = async () => {
      await emulator.stop();
      if (emulators.get(name) === emulator) emulators.delete(name);
    };
    return {
      ...{ endpoint, proxy: {}, stopEmulator },
      createChain: () => createProviderChain([emulator.credentials]),
    };
  };
  const ofDefault =
    config.cam === undefined ? await startEmulator(DEFAULT_ACCOUNT) : connectionTo(config.cam);
  const create = async (settings: AccountSettings): Promise<Account> => {
    const { name, cam } = settings;
    const connection =
      cam === undefined ? await startEmulator(name) : connectionTo(cam, ofDefault.createChain);
    return createAccount(foundation, shared, settings, connection);
  };
  const { language, ratePerSecond } = config.camLimits;
  const settings = hashOf({ ...config.cam?.endpoint, language, ratePerSecond });
  const byDefault = { name: DEFAULT_ACCOUNT, language, ratePerSecond, settings };
  const accounts = new Accounts([createAccount(foundation, shared, byDefault, ofDefault)], mayUse);
  const live = new LiveAccounts({
    ...{ accounts, ...shared, telemetry, timeLimitMs: config.camLimits.timeLimitMs },
    source: config.accounts && {
      settings: config.accounts,
      first: await readOnce(config.accounts.file),
      create,
    },
  });
  closers.defer(() => live.close());
  await live.start();
  return { accounts, live, emulators };
}

const COUNT_ORPHANED_EVERY_MS = 60_000;
const REPORT_ORPHANED_EVERY_MS = 60 * 60 * 1_000;

/**
 * Counts open changes whose account is not configured any more, and leaves them as they are. The CAM of another account
 * does not have their users. A gateway with the account again finds out their outcomes. Settles those that were not
 * approved in time. Reports each number of changes once, and then every hour.
 */
export function countOrphanedChanges(
  { clock, telemetry: { report, health }, closers }: Foundation,
  live: LiveAccounts,
  changeStore: ChangeStore,
): void {
  const reported = new Map<string, { readonly changes: number; readonly atMs: number }>();
  const count = async (): Promise<void> => {
    await changeStore.expireApprovals(live.settled);
    const orphaned = await changeStore.countOrphaned(live.settled);
    const nowMs = clock.monotonic();
    for (const [account, changes] of orphaned) {
      const problem = `${changes} changes are open. Configure the account again until they are settled.`;
      health.report("open_changes", account, problem);
      const last = reported.get(account);
      if (last?.changes === changes && nowMs - last.atMs < REPORT_ORPHANED_EVERY_MS) continue;
      reported.set(account, { changes, atMs: nowMs });
      report("change.orphaned", { account, changes });
    }
    for (const account of reported.keys()) {
      if (orphaned.has(account)) continue;
      reported.delete(account);
      health.forget("open_changes", account);
    }
  };
  const poller = new Poller(clock, async () => {
    await count().catch((err: unknown) => report("change.orphans_not_counted", { err }));
    return COUNT_ORPHANED_EVERY_MS;
  });
  poller.start();
  closers.defer(() => poller.stop());
}

/** Opens the windows of the quota, which all replicas share in the database. */
export function openQuota(
  { config, clock, telemetry, closers }: Foundation,
  database: Database,
): SharedWindows {
  const { replica } = config;
  const windows = new SharedWindows({ database, clock, replica, observer: quotaObserver(telemetry) });
  closers.defer(() => windows.close());
  return windows;
}

function quotaObserver({ report, health }: Telemetry) {
  return {
    onSlotMissed: (missed: object) => report("quota.slot_missed", missed),
    onThrottled: (throttled: object) => report("cam.throttled", throttled),
    onStoreUnavailable: (err: unknown, reason: string) => {
      health.report("database", undefined, `The database cannot be written: ${reason}.`);
      report("quota.unavailable", { err, reason });
    },
    onStoreRecovered: (outageMs: number) => {
      health.report("database", undefined);
      report("quota.available", { unavailableMs: Math.round(outageMs) });
    },
  };
}
