import { MAX_SUB_ACCOUNTS_PER_CALL } from "../cam/index.ts";
import { failureOf } from "../changes/failure.ts";
import type { Uin } from "../contract/index.ts";
import { Poller } from "../poller.ts";
import { BulkReads, type BulkReadsDeps, type ScannedAccount } from "./bulk-reads.ts";
import type { LeasedScan, ScanFault, ScanSettings, ScanStore } from "./scan-store.ts";
import { LEASE_MS, NEVER_MS } from "./scan-store.ts";

interface ScannerDeps extends BulkReadsDeps {
  readonly account: ScannedAccount;
  readonly store: ScanStore;
  readonly settings: ScanSettings;
}

/** BUSY: not due, paused, or another replica scans the account. */
type ScanResult = { readonly kind: "BUSY" } | ScanEnd;

export type ScanEnd =
  | { readonly kind: "FINISHED" | "STOPPED" }
  | { readonly kind: "FAILED"; readonly fault: ScanFault; readonly error: unknown };

/** The most users that a scan reads from the directory with one query. */
const USER_BATCH = 5_000;
/** Without a schedule, a requested scan does not read users that were read within this time. */
const DEFAULT_MAX_AGE_MS = 600_000;
/** The wait after a fault that may be temporary. */
const RETRY_MS = 60_000;

/**
 * Reads all users of one account: the list, then types and last logins, then protections. The directory shows which
 * users are still to be read, so a scan continues where a restart or another replica interrupted it.
 */
export class AccountScanner {
  readonly #deps: ScannerDeps;
  readonly #stopping = new AbortController();

  constructor(deps: ScannerDeps) {
    this.#deps = deps;
  }

  /** Stops the scan: aborts its calls and releases the lease. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Runs the scan of the account if one is due. @throws GatewayError STORE_UNAVAILABLE */
  async scan(): Promise<ScanResult> {
    const { account, store } = this.#deps;
    const leased = await store.lease(account.name, this.#freshMs);
    if (leased === undefined) return { kind: "BUSY" };
    const lost = new AbortController();
    const ending = AbortSignal.any([lost.signal, this.#stopping.signal]);
    const heartbeat = this.#renewLease(lost);
    try {
      await new RunningScan(this.#deps, ending, () => lost.abort()).run(leased);
    } catch (error) {
      if (!ending.aborted) return await this.#fail(error);
    } finally {
      await heartbeat.stop();
    }
    if (ending.aborted) {
      await store.release(account.name);
      return { kind: "STOPPED" };
    }
    await store.finish(account.name, this.#nextMs(), this.#deps.settings.keepGoneMs);
    return { kind: "FINISHED" };
  }

  get #freshMs(): number {
    const { intervalMs } = this.#deps.settings;
    return intervalMs === undefined ? DEFAULT_MAX_AGE_MS : intervalMs / 2;
  }

  /** Returns the time until the next scan, ± 5 %, so that accounts do not all begin at the same time. */
  #nextMs(): number {
    const { settings, clock } = this.#deps;
    const { intervalMs = Number.POSITIVE_INFINITY } = settings;
    return Math.min(intervalMs * (0.95 + 0.1 * clock.random()), NEVER_MS);
  }

  /** Stops the scan when another replica takes the lease, or a person pauses it. */
  #renewLease(lost: AbortController): Poller {
    const { account, store, clock } = this.#deps;
    const heartbeat = new Poller(clock, async () => {
      const isHeld = await store.saveProgress(account.name).catch(() => true);
      if (!isHeld) lost.abort();
      return LEASE_MS / 5;
    });
    heartbeat.start(LEASE_MS / 5);
    return heartbeat;
  }

  async #fail(error: unknown): Promise<ScanResult> {
    const { account, store } = this.#deps;
    const failure = failureOf(error);
    if (failure === undefined || failure.code === "STORE_UNAVAILABLE") throw error;
    const { code, cam } = failure;
    const fault = { code, camCode: cam?.code, camAction: cam?.action };
    await store.release(account.name, fault, RETRY_MS);
    return { kind: "FAILED", fault, error };
  }
}

/** One run of a scan, from its first unread user to its end. */
class RunningScan {
  readonly #deps: ScannerDeps;
  readonly #signal: AbortSignal;
  readonly #failed = new AbortController();
  readonly #onLost: () => void;
  readonly #reads: BulkReads;
  #calls = 0;

  /**
   * @param ending Aborts the run without an error.
   * @param onLost Called when the scan is paused or belongs to another replica.
   */
  constructor(deps: ScannerDeps, ending: AbortSignal, onLost: () => void) {
    this.#deps = deps;
    this.#onLost = onLost;
    this.#signal = AbortSignal.any([ending, this.#failed.signal]);
    const onCall = () => {
      this.#calls += 1;
    };
    this.#reads = new BulkReads(deps, deps.account, { signal: this.#signal, onCall });
  }

  async run({ cutoffMs, needsList }: LeasedScan): Promise<void> {
    if (needsList) await this.#list();
    // CAM limits the two actions separately, so they run in parallel.
    const reads = [this.#readProfiles(cutoffMs), this.#readProtections(cutoffMs)];
    try {
      await Promise.all(reads);
    } catch (error) {
      this.#failed.abort();
      await Promise.allSettled(reads);
      throw error;
    }
  }

  async #list(): Promise<void> {
    const { account, store } = this.#deps;
    const { users, asOfMs } = await this.#reads.list();
    await store.saveListed(account.name, users, asOfMs);
    await this.#save({});
  }

  async #readProfiles(cutoffMs: number): Promise<void> {
    const { account, store } = this.#deps;
    while (!this.#signal.aborted) {
      const uins = await store.usersWithoutLogin(account.name, cutoffMs, MAX_SUB_ACCOUNTS_PER_CALL);
      if (uins.length === 0) return;
      await store.markLoginsRead(account.name, uins, await this.#reads.profiles(uins));
      await this.#save({});
    }
  }

  async #readProtections(cutoffMs: number): Promise<void> {
    const { account, store } = this.#deps;
    while (!this.#signal.aborted) {
      const uins = await store.usersToRead(account.name, cutoffMs, USER_BATCH);
      if (uins.length === 0) return;
      await this.#reads.protections(uins, ({ read, unread }) =>
        this.#save({ readUsers: read, failedUsers: unread.map(({ opUin }) => opUin) }),
      );
    }
  }

  /** Saves progress. Stops the scan if it is paused, or if another replica has the lease. */
  async #save(progress: {
    readonly readUsers?: number;
    readonly failedUsers?: readonly Uin[];
  }): Promise<void> {
    const { account, store } = this.#deps;
    const calls = this.#calls;
    this.#calls -= calls;
    const isHeld = await store.saveProgress(account.name, { ...progress, calls });
    if (!isHeld) this.#onLost();
  }
}
