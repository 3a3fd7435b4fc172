/**
 * Owns the directory: what the gateway knows about every user of every account, and the scans that read it. The record
 * updates it with each change (schema/migrations/0010_directory.sql), and every other read with reads-behind.ts. Read
 * account-scanner.ts next.
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
  /** Names this process among the replicas, and no other process at any time. */
  readonly owner: string;
  /** Returns the accounts as they are configured now. */
  readonly accounts: () => readonly ScannedAccount[];
  readonly send: JobQueue["send"];
  readonly observer: ScanObserver;
}

export interface ScanObserver {
  onEnded(account: string, end: ScanEnd, durationMs: number): void;
  onDrift(user: DriftedUser): void;
  /** A round failed, for example because the database is unavailable. The next minute tries again. */
  onError(error: unknown): void;
}

const SCAN = "directory-scan";
const PLAN = "directory-plan";

/** The scans of all accounts, side by side. The job queue wakes them, and the state in the database decides. */
export class DirectoryScans {
  readonly #deps: DirectoryScansDeps;
  readonly #store: ScanStore;
  readonly #running = new Map<AccountScanner, ScannedAccount>();
  #stopped = false;

  constructor(deps: DirectoryScansDeps) {
    this.#deps = deps;
    this.#store = new ScanStore(deps.database, deps.owner);
  }

  /** The kinds of jobs: one looks every minute which accounts are due, the other scans one account. */
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

  /** Ends the scans under way soon. Another process continues them. */
  stop(): void {
    this.#stopped = true;
    for (const scanner of this.#running.keys()) scanner.stop();
  }

  /** Ends the scans of accounts that are not configured any more, or differently, and begins those of new accounts. */
  async followAccounts(): Promise<void> {
    const accounts = this.#deps.accounts();
    for (const [scanner, account] of this.#running) if (!accounts.includes(account)) scanner.stop();
    await this.#deps.send(PLAN, "accounts");
  }

  /** Begins a scan of an account soon. If what the directory knows is fresh, the scan makes no call. */
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

  /** Begins without waiting for the minute: now, and again when the leases of killed processes are over. */
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
