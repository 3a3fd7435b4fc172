import type { Accounts } from "../auth/accounts.ts";
import { exceptionsAt } from "../auth/policy/decide-access.ts";
import type { PolicyFile } from "../auth/policy/policy-file.ts";
import type { Database } from "../database/database.ts";
import { DatabaseTime } from "../directory/database-time.ts";
import { Directory } from "../directory/directory.ts";
import { DirectoryScans, type ScanObserver } from "../directory/directory-scans.ts";
import { DriftLog } from "../directory/drift-log.ts";
import type { DriftedUser } from "../directory/user-writes.ts";
import { WriteBehind } from "../directory/write-behind.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Account } from "./create-account.ts";
import type { Foundation } from "./foundation.ts";
import type { JobParts } from "./open-database.ts";

/** Opens the writer that stores the result of every read of a user in the directory. */
export function openWriteBehind({ clock, telemetry, closers }: Foundation, database: Database): WriteBehind {
  const reads = new WriteBehind({
    ...{ database, clock, time: new DatabaseTime(database, clock) },
    onDrift: (user) => reportDrift(telemetry, user),
    onError: (err) => telemetry.report("directory.not_written", { err }),
  });
  closers.defer(() => reads.stop());
  return reads;
}

interface OpenDirectory {
  readonly directory: Directory;
  readonly drift: DriftLog;
  readonly scans: DirectoryScans;
}

/** Opens the directory and the scans of all accounts. */
export function openDirectory(
  { config, clock, telemetry, closers }: Foundation,
  database: Database,
  accounts: Accounts<Account>,
  jobs: JobParts,
  policy: PolicyFile | undefined,
): OpenDirectory {
  const scans = new DirectoryScans({
    ...{ database, clock, time: new DatabaseTime(database, clock), settings: config.directory, ...jobs },
    accounts: () => accounts.all.map(({ scanned }) => scanned),
    observer: scanObserver(telemetry),
  });
  closers.defer(async () => scans.stop());
  const exceptions = () => (policy === undefined ? [] : exceptionsAt(policy.current, clock.now()));
  return { directory: new Directory(database, exceptions), drift: new DriftLog(database), scans };
}

export function reportDrift({ report, metrics }: Telemetry, { account, opUin }: DriftedUser): void {
  report("drift.found", { account, opUin });
  metrics.record("directory.drift", 1, { account });
}

function scanObserver(telemetry: Telemetry): ScanObserver {
  const { report } = telemetry;
  return {
    onDrift: (user) => reportDrift(telemetry, user),
    onEnded: (account, end, durationMs) => {
      const fields = { account, durationMs: Math.round(durationMs) };
      if (end.kind === "FAILED") report("directory.scan_failed", { ...fields, ...end.fault, err: end.error });
      else report(end.kind === "FINISHED" ? "directory.scan_finished" : "directory.scan_stopped", fields);
    },
    onError: (err) => report("directory.scans_not_planned", { err }),
  };
}
