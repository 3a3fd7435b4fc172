import DataLoader from "dataloader";
import pLimit, { type LimitFunction } from "p-limit";
import type { Accounts } from "../auth/accounts.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
import {
  type CamClient,
  describeSubAccounts,
  type FlagReads,
  MAX_SUB_ACCOUNTS_PER_CALL,
  type SubAccount,
} from "../cam/index.ts";
import type { RecentWrites } from "../changes/recent-writes.ts";
import { type KnownFlags, withRecentWrites } from "../changes/recent-writes.ts";
import type { Clock } from "../clock.ts";
import type { Uin } from "../contract/index.ts";

/** Reads of one account that one operation shares. They live as long as the operation. */
export interface Loaders {
  /** The account's name. */
  readonly account: string;
  /** Undefined where CAM has no such sub-user. 50 Uins share one call. */
  readonly profile: DataLoader<Uin, SubAccount | undefined>;
  /**
   * With the recent writes of this process in the place of what CAM may not show yet. One call a user, for CAM has no batch
   * form; the quota spaces them.
   */
  readonly flags: DataLoader<Uin, KnownFlags>;
  /** The user was changed, or may have been: what was read of the flags is no longer so, for any operation. */
  forgetFlags(uin: Uin): void;
}

/** What is read of an account. */
export interface LoaderDeps {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  readonly flagReads: Pick<FlagReads, "read" | "drop">;
}

export interface LoaderOptions {
  readonly requestId: string;
  /** Names the caller to the quota, which is fair between callers. */
  readonly caller: string;
  readonly deadlineMs: number;
  readonly recentWrites: Pick<RecentWrites, "of">;
  readonly clock: Clock;
}

/** Of one operation, so many reads stand in the quota's queue at a time: enough that it never waits for more of them. */
const READS_AT_ONCE = 40;

export function createLoaders(
  { name, cam, flagReads }: LoaderDeps,
  { requestId, caller, deadlineMs, recentWrites, clock }: LoaderOptions,
): Loaders {
  const options = { traceId: requestId, deadlineMs, caller };
  // Most operations read nobody.
  let limit: LimitFunction | undefined;
  const inTurn = <Result>(read: () => Promise<Result>): Promise<Result> => {
    limit ??= pLimit(READS_AT_ONCE);
    return limit(read);
  };
  const readFlags = async (opUin: Uin): Promise<KnownFlags> => {
    const reading = await inTurn(() => flagReads.read(opUin, options));
    const { writes } = recentWrites.of({ account: name, opUin }, clock.monotonic() - reading.atMs);
    return withRecentWrites(reading, writes);
  };
  const flags = new DataLoader<Uin, KnownFlags>(
    async ([uin]) => (uin === undefined ? [] : [await readFlags(uin)]),
    { batch: false },
  );
  return {
    account: name,
    flags,
    profile: new DataLoader(
      async (uins: readonly Uin[]) => {
        const { output: users } = await inTurn(() => cam.call(describeSubAccounts, { uins }, options));
        const byUin = new Map(users.map((user) => [user.uin, user]));
        return uins.map((uin) => byUin.get(uin));
      },
      { maxBatchSize: MAX_SUB_ACCOUNTS_PER_CALL },
    ),
    forgetFlags: (uin) => {
      flags.clear(uin);
      flagReads.drop(uin);
    },
  };
}

export interface AccountLoaderOptions extends Omit<LoaderOptions, "caller"> {
  readonly caller: Caller;
}

/** The loaders of one operation, for each account that it reads. */
export class AccountLoaders {
  readonly #accounts: Pick<Accounts<LoaderDeps>, "require" | "find">;
  readonly #options: AccountLoaderOptions;
  readonly #byName = new Map<string, Loaders>();

  constructor(accounts: Pick<Accounts<LoaderDeps>, "require" | "find">, options: AccountLoaderOptions) {
    this.#accounts = accounts;
    this.#options = options;
  }

  /**
   * Those of the account that the caller names; of the default one where they name none.
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT
   */
  of(name: string | null | undefined): Loaders {
    return this.#loadersOf(this.#accounts.require(name, this.#options.caller));
  }

  /**
   * The same without asking whether the caller may use it: for a change, which has its own door, and of which is told
   * what came of it, whatever the policy says by then. Undefined where there is no such account.
   */
  ofChange(name: string | null | undefined): Loaders | undefined {
    const account = this.#accounts.find(name ?? DEFAULT_ACCOUNT);
    return account && this.#loadersOf(account);
  }

  #loadersOf(account: LoaderDeps): Loaders {
    let loaders = this.#byName.get(account.name);
    if (loaders === undefined) {
      loaders = createLoaders(account, { ...this.#options, caller: this.#options.caller.subject });
      this.#byName.set(account.name, loaders);
    }
    return loaders;
  }
}
