import { randomUUID } from "node:crypto";
import { systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/database/database.ts";
import { AccountScanner } from "../../src/directory/account-scanner.ts";
import type { ScannedAccount } from "../../src/directory/bulk-reads.ts";
import { DatabaseTime } from "../../src/directory/database-time.ts";
import { type ScanState, ScanStore } from "../../src/directory/scan-store.ts";
import { loadSeedFile } from "../../src/emulator/index.ts";
import { withGeneratedUsers } from "../../src/emulator/seed.ts";
import { startEmulator } from "../emulator/start-emulator.ts";
import { createCam } from "../support/create-cam.ts";

interface ScannerOptions {
  readonly users?: number;
  readonly listAction?: ScannedAccount["listAction"];
  readonly intervalMs?: number;
}

/** Starts an emulated account without a limit of calls, and returns what scans it. Each call of `scanner` is a process. */
export async function openScanner(database: Database, options: ScannerOptions = {}) {
  const { users = 60, listAction = "ListUsers", intervalMs = 3_600_000 } = options;
  const name = `a${randomUUID().slice(0, 8)}`;
  const emulator = await startEmulator({
    seed: withGeneratedUsers(loadSeedFile(), users),
    ratePerSecond: 100_000,
  });
  const { client: cam } = createCam(emulator.url, {
    clock: systemClock,
    // On a busy machine no call may take so long that it is repeated.
    config: { timeoutMs: 60_000 },
  });
  const store = new ScanStore(database, "reader");
  const time = new DatabaseTime(database, systemClock);
  const drifted: string[] = [];
  return {
    ...{ name, emulator, store },
    /** The users whose drift the scans have reported. */
    drifted,
    scanner: (owner: string = randomUUID()) =>
      new AccountScanner({
        ...{ database, time, clock: systemClock, account: { name, cam, listAction } },
        store: new ScanStore(database, owner),
        settings: { intervalMs, keepGoneMs: 86_400_000 },
        onDrift: ({ opUin }) => drifted.push(opUin),
      }),
    /** The number of calls that the emulator received since the last call of this function, by action. */
    takeCalls: () => {
      const calls = Object.groupBy(emulator.control.journal(), ({ action }) => action ?? "");
      emulator.control.clearJournal();
      return Object.fromEntries(Object.entries(calls).map(([action, entries]) => [action, entries?.length]));
    },
    state: async (): Promise<ScanState | undefined> => (await store.states([name]))[0],
    /** Makes the next scan due, as if its time had come. */
    makeDue: () => store.request(name),
  };
}
