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
} from "../cam/index.ts";
import { failureOf } from "../changes/failure.ts";
import type { Clock } from "../clock.ts";
import type { CamErrorCode, Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseTime } from "./database-time.ts";
import {
  type DriftedUser,
  type ProtectionsRead,
  writeList,
  writeProfiles,
  writeProtections,
} from "./user-writes.ts";

/** The parts of an account that bulk reads use. */
export interface ScannedAccount {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  /** ListAccounts has pages, and only the mainland site has it. */
  readonly listAction: "ListUsers" | "ListAccounts";
}

export interface BulkReadsDeps {
  readonly database: Database;
  readonly time: DatabaseTime;
  readonly clock: Clock;
  readonly onDrift: (user: DriftedUser) => void;
}

interface BulkReadsOptions {
  /** Stops the reads and aborts their calls. */
  readonly signal: AbortSignal;
  /** Called for each request to CAM. */
  readonly onCall?: () => void;
}

/** A user whose protections CAM could not show, for example because the user was deleted. */
interface UnreadUser {
  readonly opUin: Uin;
  readonly code: CamErrorCode;
}

/** The users whose protections were written in one batch. */
interface ReadBatch {
  readonly read: number;
  readonly unread: readonly UnreadUser[];
}

/** The number of parallel calls: enough to use every slot of the quota. Interactive calls go first. */
const MAX_CONCURRENCY = 40;
/** The deadline of a call, including its wait for a slot. Interactive calls may take all slots for a minute. */
const CALL_MS = 120_000;

/** Errors that concern one user. All other errors concern every user, so they end the reads. */
const USER_ERRORS: ReadonlySet<CamErrorCode> = new Set<CamErrorCode>([
  "USER_NOT_EXIST",
  "CAM_FAILED_OPERATION",
  "CAM_INVALID_PARAMETER",
]);

/** Reads many users of one account at bulk priority, and writes what the reads show to the directory. */
export class BulkReads {
  readonly #deps: BulkReadsDeps;
  readonly #account: ScannedAccount;
  readonly #signal: AbortSignal;
  readonly #options: () => CamCallOptions;

  constructor(deps: BulkReadsDeps, account: ScannedAccount, { signal, onCall }: BulkReadsOptions) {
    this.#deps = deps;
    this.#account = account;
    this.#signal = signal;
    const traceId = randomUUID();
    this.#options = () => ({
      ...{ traceId, signal, priority: "bulk", caller: "directory" },
      deadlineMs: deps.clock.monotonic() + CALL_MS,
      ...(onCall && { onAttempt: onCall }),
    });
  }

  /** Reads the list of users. Returns its length, and the start of the read by the database's clock. */
  async list(): Promise<{ readonly users: number; readonly asOfMs: number }> {
    const { clock, database, time } = this.#deps;
    const startedMs = clock.monotonic();
    const { users, isComplete } = await this.#listedUsers();
    const asOfMs = (await time.converter())(startedMs);
    await writeList(database, this.#account.name, { users, isComplete, asOfMs });
    return { users: users.length, asOfMs };
  }

  /**
   * Reads types and last logins of at most MAX_SUB_ACCOUNTS_PER_CALL users with one call. CAM omits unknown users.
   * Returns the start of the read.
   */
  async profiles(uins: readonly Uin[]): Promise<number> {
    const { clock, database, time } = this.#deps;
    const { name: account, cam } = this.#account;
    const startedMs = clock.monotonic();
    const { output } = await cam.call(describeSubAccounts, { uins }, this.#options());
    const asOfMs = (await time.converter())(startedMs);
    const reads = output.map((profile) => ({ account, profile, asOfMs }));
    if (reads.length > 0) await writeProfiles(database, reads);
    return asOfMs;
  }

  /**
   * Reads protections of users in parallel. Writes finished reads while others are in progress.
   * @param onBatch Called after each write.
   */
  async protections(uins: readonly Uin[], onBatch: (batch: ReadBatch) => Promise<void>): Promise<void> {
    const { database, onDrift } = this.#deps;
    const limit = pLimit(MAX_CONCURRENCY);
    const read: ProtectionsRead[] = [];
    const unread: UnreadUser[] = [];
    let saving: Promise<void> | undefined;
    const save = async (): Promise<void> => {
      while (read.length + unread.length > 0) {
        const reads = read.splice(0);
        if (reads.length > 0)
          for (const user of await writeProtections(database, reads, "SCAN")) onDrift(user);
        await onBatch({ read: reads.length, unread: unread.splice(0) });
      }
      saving = undefined;
    };
    const readOne = async (opUin: Uin): Promise<void> => {
      if (this.#signal.aborted) return;
      const result = await this.#readUser(opUin);
      if ("code" in result) unread.push(result);
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

  async #listedUsers(): Promise<{ readonly users: readonly ListedUser[]; readonly isComplete: boolean }> {
    const { cam, listAction } = this.#account;
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

  async #readUser(opUin: Uin): Promise<ProtectionsRead | UnreadUser> {
    const { clock, time } = this.#deps;
    const { name: account, cam } = this.#account;
    const startedMs = clock.monotonic();
    try {
      const { output } = await cam.call(describeSafeAuthFlagColl, { subUin: opUin }, this.#options());
      const toDatabase = await time.converter();
      return { account, opUin, ...output, asOfMs: toDatabase(startedMs) };
    } catch (error) {
      const code = failureOf(error)?.code;
      if (code !== undefined && USER_ERRORS.has(code)) return { opUin, code };
      throw error;
    }
  }
}
