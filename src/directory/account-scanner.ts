import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import {
  type CamCallOptions,
  type CamClient,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  type ListedUser,
  listAccounts,
  listUsers,
  MAX_SUB_ACCOUNTS_PER_CALL,
} from "../cam/index.ts";
import { failureOf } from "../changes/failure.ts";
import type { Clock } from "../clock.ts";
import type { CamErrorCode, Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { Poller } from "../poller.ts";
import type { DatabaseTime } from "./database-time.ts";
import type { LeasedScan, ScanFault, ScanSettings, ScanStore } from "./scan-store.ts";
import { LEASE_MS, NEVER_MS } from "./scan-store.ts";
import {
  type DriftedUser,
  type ProtectionsRead,
  writeList,
  writeProfiles,
  writeProtections,
} from "./user-writes.ts";

/** The parts of an account that a scan reads from. */
export interface ScannedAccount {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  /** ListAccounts has pages, and only the mainland site has it. */
  readonly listAction: "ListUsers" | "ListAccounts";
}

interface ScannerDeps {
  readonly account: ScannedAccount;
  readonly database: Database;
  readonly time: DatabaseTime;
  readonly store: ScanStore;
  readonly clock: Clock;
  readonly settings: ScanSettings;
  readonly onDrift: (user: DriftedUser) => void;
}

/** BUSY: not due, paused, or another replica scans the account. */
type ScanResult = { readonly kind: "BUSY" } | ScanEnd;

export type ScanEnd =
  | { readonly kind: "FINISHED" | "STOPPED" }
  | { readonly kind: "FAILED"; readonly fault: ScanFault; readonly error: unknown };

/** Enough calls at once to use every slot of the quota. The quota lets people's calls go first. */
const READS_AT_ONCE = 40;
/** How long a call of a scan waits for a slot, and for CAM. People's calls may take all slots of a minute. */
const CALL_MS = 120_000;
/** The users that a scan takes from the directory at once. */
const USERS_AT_ONCE = 5_000;
/** Without a schedule, a requested scan uses knowledge that is younger than this. */
const FRESH_WITHOUT_INTERVAL_MS = 600_000;
/** The wait after a fault that may pass by itself. */
const RETRY_MS = 60_000;

/** Faults of one user. All others concern every user, so they end the scan. */
const FAULTS_OF_A_USER: ReadonlySet<CamErrorCode> = new Set<CamErrorCode>([
  "USER_NOT_EXIST",
  "CAM_FAILED_OPERATION",
  "CAM_INVALID_PARAMETER",
]);

/**
 * Reads all users of one account: the list, then types and last logins, then protections. The directory itself says what
 * is still to be read, so a scan that another replica or a restart interrupted continues where it was.
 */
export class AccountScanner {
  readonly #deps: ScannerDeps;
  readonly #stopping = new AbortController();

  constructor(deps: ScannerDeps) {
    this.#deps = deps;
  }

  /** Ends the scan soon. The calls under way are aborted, and the lease is given back. */
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
    return intervalMs === undefined ? FRESH_WITHOUT_INTERVAL_MS : intervalMs / 2;
  }

  /** Returns the time until the next scan, give or take five percent, so that accounts do not all begin at once. */
  #nextMs(): number {
    const { settings, clock } = this.#deps;
    const { intervalMs = Number.POSITIVE_INFINITY } = settings;
    return Math.min(intervalMs * (0.95 + 0.1 * clock.random()), NEVER_MS);
  }

  /** Ends the scan as soon as another replica has the lease, or a person pauses it. */
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

/** One run of a scan, from where it stood to its end. */
class RunningScan {
  readonly #deps: ScannerDeps;
  readonly #signal: AbortSignal;
  readonly #failed = new AbortController();
  readonly #onLost: () => void;
  readonly #options: () => CamCallOptions;
  #calls = 0;

  /**
   * @param ending Ends the run without an error.
   * @param onLost Called when the scan is paused or belongs to another replica.
   */
  constructor(deps: ScannerDeps, ending: AbortSignal, onLost: () => void) {
    this.#deps = deps;
    this.#onLost = onLost;
    const signal = AbortSignal.any([ending, this.#failed.signal]);
    this.#signal = signal;
    const traceId = randomUUID();
    this.#options = () => ({
      ...{ traceId, signal, priority: "bulk", caller: "directory" },
      deadlineMs: deps.clock.monotonic() + CALL_MS,
      onAttempt: () => {
        this.#calls += 1;
      },
    });
  }

  async run({ cutoffMs, needsList }: LeasedScan): Promise<void> {
    if (needsList) await this.#list();
    // CAM counts the two actions apart.
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
    const { account, clock, database, store, time } = this.#deps;
    const startedMs = clock.monotonic();
    const { users, isComplete } = await this.#listedUsers();
    const asOfMs = (await time.converter())(startedMs);
    await writeList(database, account.name, { users, isComplete, asOfMs });
    await store.saveListed(account.name, users.length, asOfMs);
    await this.#save({});
  }

  async #listedUsers(): Promise<{ readonly users: readonly ListedUser[]; readonly isComplete: boolean }> {
    const { cam, listAction } = this.#deps.account;
    if (listAction === "ListUsers") {
      const { output } = await cam.call(listUsers, undefined, this.#options());
      return { users: output.users, isComplete: output.unusable === 0 };
    }
    const users = new Map<Uin, ListedUser>();
    let isComplete = true;
    let marker: string | undefined;
    do {
      const { output } = await cam.call(listAccounts, { marker }, this.#options());
      for (const user of output.users) users.set(user.uin, user);
      isComplete &&= output.unusable === 0;
      marker = output.next;
    } while (marker !== undefined);
    return { users: [...users.values()], isComplete };
  }

  async #readProfiles(cutoffMs: number): Promise<void> {
    const { account, clock, database, store, time } = this.#deps;
    while (!this.#signal.aborted) {
      const uins = await store.usersWithoutLogin(account.name, cutoffMs, MAX_SUB_ACCOUNTS_PER_CALL);
      if (uins.length === 0) return;
      const startedMs = clock.monotonic();
      const { output } = await account.cam.call(describeSubAccounts, { uins }, this.#options());
      const asOfMs = (await time.converter())(startedMs);
      const reads = output.map((profile) => ({ account: account.name, profile, asOfMs }));
      if (reads.length > 0) await writeProfiles(database, reads);
      await store.markLoginsRead(account.name, uins, asOfMs);
      await this.#save({});
    }
  }

  async #readProtections(cutoffMs: number): Promise<void> {
    const { account, store } = this.#deps;
    while (!this.#signal.aborted) {
      const uins = await store.usersToRead(account.name, cutoffMs, USERS_AT_ONCE);
      if (uins.length === 0) return;
      await this.#readAll(uins);
    }
  }

  /** Reads users side by side. Writes what was read while further reads are under way. */
  async #readAll(uins: readonly Uin[]): Promise<void> {
    const limit = pLimit(READS_AT_ONCE);
    const read: ProtectionsRead[] = [];
    const failed: Uin[] = [];
    let saving: Promise<void> | undefined;
    const save = async (): Promise<void> => {
      while (read.length + failed.length > 0) {
        const reads = read.splice(0);
        const { database, onDrift } = this.#deps;
        if (reads.length > 0)
          for (const user of await writeProtections(database, reads, "SCAN")) onDrift(user);
        await this.#save({ readUsers: reads.length, failedUsers: failed.splice(0) });
      }
      saving = undefined;
    };
    const readOne = async (opUin: Uin): Promise<void> => {
      if (this.#signal.aborted) return;
      const result = await this.#readUser(opUin);
      if (result === undefined) failed.push(opUin);
      else read.push(result);
      saving ??= save();
      await saving;
    };
    try {
      await Promise.all(uins.map((uin) => limit(readOne, uin)));
    } finally {
      limit.clearQueue();
      await saving;
    }
  }

  /** Returns undefined for a user that CAM cannot show, for example because the user was deleted. */
  async #readUser(opUin: Uin): Promise<ProtectionsRead | undefined> {
    const { account, clock, time } = this.#deps;
    const startedMs = clock.monotonic();
    try {
      const { output } = await account.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, this.#options());
      const toDatabase = await time.converter();
      return { account: account.name, opUin, ...output, asOfMs: toDatabase(startedMs) };
    } catch (error) {
      const code = failureOf(error)?.code;
      if (code !== undefined && FAULTS_OF_A_USER.has(code)) return undefined;
      throw error;
    }
  }

  /** Saves progress. Stops the scan if it is paused or belongs to another replica now. */
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
