/**
 * Owns the directory: the stored state of every user of every account, and the scans that read it from CAM. A trigger
 * updates it with each change (schema/migrations/0010_directory.sql), and write-behind.ts with every other read of a
 * user. Read account-scanner.ts next.
 */

import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { concurrencyFor, type JobKind, type JobQueue } from "../jobs/job-queue.ts";
import { AccountScanner, type ScanEnd } from "./account-scanner.ts";
import type { ScannedAccount } from "./bulk-reads.ts";
import type { DatabaseTime } from "./database-time.ts";
import { LEASE_MS, NEVER_MS, type ScanSettings, type ScanState, ScanStore } from "./scan-store.ts";
import type { DriftedUser } from "./user-writes.ts";

interface DirectoryScansDeps {
  readonly database: Database;
  readonly time: DatabaseTime;
  readonly clock: Clock;
  readonly settings: ScanSettings;
  /** A name of this process that no other process ever has. */
  readonly owner: string;
  /** Returns the accounts of the current configuration. */
  readonly accounts: () => readonly ScannedAccount[];
  readonly send: JobQueue["send"];
  readonly observer: ScanObserver;
}

export interface ScanObserver {
  onEnded(account: string, end: ScanEnd, durationMs: number): void;
  onDrift(user: DriftedUser): void;
  /**
   * A check for due scans failed, for example because the database is unavailable. The next check is a minute later.
   */
  onError(error: unknown): void;
}

const SCAN = "directory-scan";
const PLAN = "directory-plan";

/**
 * Runs the scans of all accounts in parallel. The job queue wakes them, and the state in the database decides which are
 * due.
 */
export class DirectoryScans {
  readonly #deps: DirectoryScansDeps;
  readonly #store: ScanStore;
  readonly #running = new Map<AccountScanner, ScannedAccount>();
  #stopped = false;

  constructor(deps: DirectoryScansDeps) {
    this.#deps = deps;
    this.#store = new ScanStore(deps.database, deps.owner);
  }

  /** The kinds of jobs: one checks every minute which accounts are due, the other scans one account. */
  get jobs(): readonly JobKind[] {
    const concurrency = concurrencyFor(this.#deps.accounts().length);
    return [
      {
        ...{ name: PLAN, concurrency: 1, cron: "* * * * *" },
        run: () => this.#plan(),
        onStarted: () => this.#begin(),
      },
      { name: SCAN, concurrency, run: (account) => this.#scan(account) },
    ];
  }

  /** Stops the scans in progress. Another process continues them. */
  stop(): void {
    this.#stopped = true;
    for (const scanner of this.#running.keys()) scanner.stop();
  }

  /** Stops the scans of accounts that were removed or changed, and begins those of new accounts. */
  async followAccounts(): Promise<void> {
    const accounts = this.#deps.accounts();
    for (const [scanner, account] of this.#running) if (!accounts.includes(account)) scanner.stop();
    await this.#deps.send(PLAN, "accounts");
  }

  /** Makes a scan of an account due now. It does not read users that were read recently. */
  async request(account: string): Promise<ScanState> {
    await this.#store.request(account);
    await this.#deps.send(SCAN, account);
    return this.#stateOf(account);
  }

  /** Stops scans of an account on all replicas within seconds, until `resume`. */
  async pause(account: string, by: string): Promise<ScanState> {
    await this.#store.pause(account, by);
    return this.#stateOf(account);
  }

  async resume(account: string): Promise<ScanState> {
    await this.#store.resume(account);
    await this.#deps.send(SCAN, account);
    return this.#stateOf(account);
  }

  /** Returns the state of each account, in the order of the names. */
  states(accounts: readonly string[]): Promise<readonly ScanState[]> {
    return this.#store.states(accounts);
  }

  async #stateOf(account: string): Promise<ScanState> {
    const [state] = await this.#store.states([account]);
    if (state === undefined) throw new Error("The database returned no state.");
    return state;
  }

  /**
   * Checks for due scans now instead of at the next minute, and again when the leases of killed processes have ended.
   */
  async #begin(): Promise<void> {
    await this.#deps.send(PLAN, "start");
    await this.#deps.send(PLAN, "leases", Math.ceil(LEASE_MS / 1_000) + 1);
  }

  async #plan(): Promise<void> {
    const { accounts, send, settings, observer } = this.#deps;
    try {
      const names = accounts().map(({ name }) => name);
      await this.#store.forgetRemoved(names, settings.keepGoneMs);
      const due = await this.#store.findDue(names, settings.intervalMs === undefined ? NEVER_MS : 0);
      for (const account of due) await send(SCAN, account);
    } catch (error) {
      observer.onError(error);
    }
  }

  async #scan(name: string): Promise<void> {
    const { accounts, clock, observer } = this.#deps;
    const account = accounts().find((each) => each.name === name);
    if (account === undefined || this.#stopped) return;
    const scanner = new AccountScanner({
      ...{ ...this.#deps, account, store: this.#store },
      onDrift: (user) => observer.onDrift(user),
    });
    this.#running.set(scanner, account);
    const startedMs = clock.monotonic();
    try {
      const result = await scanner.scan();
      if (result.kind !== "BUSY") observer.onEnded(name, result, clock.monotonic() - startedMs);
    } catch (error) {
      observer.onError(error);
    } finally {
      this.#running.delete(scanner);
    }
  }
}
