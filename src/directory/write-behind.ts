import {
  type CamAction,
  type CamCallOptions,
  type CamClient,
  type CamResult,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  type SubAccount,
  setMfaFlag,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseTime } from "./database-time.ts";
import { type DriftedUser, writeProfiles, writeProtections } from "./user-writes.ts";

/** The delay by which reads are batched, so that a busy gateway writes a few batches a second. */
const BATCH_DELAY_MS = 250;
/** The wait before the next batch while the database is unavailable. */
const RETRY_DELAY_MS = 5_000;
/**
 * The most reads in memory: more than all accounts make in a minute without the database. Beyond it, the oldest are
 * dropped.
 */
const MAX_WAITING = 20_000;
/** The most reads in one statement. */
const BATCH = 500;

interface Waiting<Read> {
  readonly account: string;
  readonly read: Read;
  /** When the read began, in monotonic milliseconds. */
  readonly startedMs: number;
}

interface WriteBehindDeps {
  readonly database: Database;
  readonly time: DatabaseTime;
  readonly clock: Clock;
  readonly onDrift: (user: DriftedUser) => void;
  /** Called when a batch cannot be written because of a fault of the gateway. */
  readonly onError: (error: unknown) => void;
}

/**
 * Writes the results of reads to the directory asynchronously and in batches (write-behind). A read never waits for the
 * database. While the database is unavailable, the newest results wait in memory.
 */
export class WriteBehind {
  readonly #deps: WriteBehindDeps;
  readonly #protections = new Map<string, Waiting<SafeAuthFlags & { readonly opUin: Uin }>>();
  readonly #profiles = new Map<string, Waiting<SubAccount>>();
  #writing: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(deps: WriteBehindDeps) {
    this.#deps = deps;
  }

  addProtections(account: string, opUin: Uin, flags: SafeAuthFlags, startedMs: number): void {
    this.#add(this.#protections, opUin, { account, read: { ...flags, opUin }, startedMs });
  }

  addProfiles(account: string, profiles: readonly SubAccount[], startedMs: number): void {
    for (const read of profiles) this.#add(this.#profiles, read.uin, { account, read, startedMs });
  }

  /** Drops a waiting read of a user that the gateway has changed since. The change updates the directory itself. */
  forget(account: string, opUin: Uin): void {
    this.#protections.delete(keyOf(account, opUin));
  }

  /** Writes one batch of the waiting reads, and then no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#writing;
    await this.#write();
  }

  #add<Read>(waiting: Map<string, Waiting<Read>>, opUin: Uin, entry: Waiting<Read>): void {
    if (this.#stopped) return;
    const key = keyOf(entry.account, opUin);
    const known = waiting.get(key);
    if (known !== undefined && known.startedMs > entry.startedMs) return;
    // Delete first, so that the map stays in the order of the reads.
    waiting.delete(key);
    waiting.set(key, entry);
    const [oldest] = waiting.keys();
    if (waiting.size > MAX_WAITING && oldest !== undefined) waiting.delete(oldest);
    this.#schedule();
  }

  #schedule(waitMs = BATCH_DELAY_MS): void {
    if (this.#cancel !== undefined || this.#stopped) return;
    this.#cancel = this.#deps.clock.after(waitMs, () => {
      this.#writing = this.#write().then((isWritten) => {
        this.#cancel = undefined;
        if (this.#protections.size + this.#profiles.size > 0) {
          this.#schedule(isWritten ? BATCH_DELAY_MS : RETRY_DELAY_MS);
        }
      });
    });
  }

  /** Writes one batch. Returns false while the database is unavailable. */
  async #write(): Promise<boolean> {
    const { database, time, onDrift, onError } = this.#deps;
    const protections = take(this.#protections);
    const profiles = take(this.#profiles);
    if (protections.size + profiles.size === 0) return true;
    try {
      const toDatabase = await time.converter();
      if (protections.size > 0) {
        const reads = [...protections.values()].map(({ account, read, startedMs }) => ({
          ...{ account, ...read, asOfMs: toDatabase(startedMs) },
        }));
        for (const user of await writeProtections(database, reads, "READ")) onDrift(user);
      }
      if (profiles.size > 0) {
        const reads = [...profiles.values()].map(({ account, read, startedMs }) => ({
          ...{ account, profile: read, asOfMs: toDatabase(startedMs) },
        }));
        await writeProfiles(database, reads);
      }
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.code === "STORE_UNAVAILABLE") {
        putBack(this.#protections, protections);
        putBack(this.#profiles, profiles);
        return false;
      }
      // Drop the batch: the database would refuse it again.
      onError(error);
      return true;
    }
  }
}

function keyOf(account: string, opUin: Uin): string {
  return `${account}/${opUin}`;
}

/** Removes and returns the oldest reads of one statement. */
function take<Read>(waiting: Map<string, Waiting<Read>>): Map<string, Waiting<Read>> {
  const taken = new Map([...waiting].slice(0, BATCH));
  for (const key of taken.keys()) waiting.delete(key);
  return taken;
}

/** Returns reads to the map, except those that a newer read has replaced. */
function putBack<Read>(waiting: Map<string, Waiting<Read>>, taken: ReadonlyMap<string, Waiting<Read>>): void {
  for (const [key, entry] of taken) if (!waiting.has(key)) waiting.set(key, entry);
}

/** Wraps a client so that the directory gets the result of every read of a user. */
export function recordReads(
  account: string,
  cam: Pick<CamClient, "call">,
  reads: WriteBehind,
  clock: Clock,
): Pick<CamClient, "call"> {
  return {
    async call<Input, Output>(
      action: CamAction<Input, Output>,
      input: Input,
      options: CamCallOptions,
    ): Promise<CamResult<Output>> {
      const startedMs = clock.monotonic();
      const result = await cam.call(action, input, options);
      if (action.name === describeSafeAuthFlagColl.name) {
        const { subUin } = input as { readonly subUin: Uin };
        reads.addProtections(account, subUin, result.output as SafeAuthFlags, startedMs);
      } else if (action.name === describeSubAccounts.name) {
        reads.addProfiles(account, result.output as readonly SubAccount[], startedMs);
      } else if (action.name === setMfaFlag.name) {
        reads.forget(account, (input as SetMfaFlagInput).opUin);
      }
      return result;
    },
  };
}
