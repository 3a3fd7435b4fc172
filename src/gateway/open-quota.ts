import type { Database } from "../database/database.ts";
import { SharedWindows } from "../quota/shared-quota.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Foundation } from "./foundation.ts";

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
