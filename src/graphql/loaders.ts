import DataLoader from "dataloader";
import pLimit, { type LimitFunction } from "p-limit";
import { type Accounts, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
import {
  type CamClient,
  describeSubAccounts,
  type FlagReads,
  MAX_SUB_ACCOUNTS_PER_CALL,
  type SubAccount,
} from "../cam/index.ts";
import { type KnownFlags, type RecentWrites, withRecentWrites } from "../changes/changes-of-user.ts";
import type { Clock } from "../clock.ts";
import type { Uin } from "../contract/index.ts";
import type { Directory, DirectoryUser } from "../directory/directory.ts";

/** The reads of one account that one operation shares. */
export interface Loaders {
  /** The account's name. */
  readonly account: string;
  /** Loads a user, or undefined if CAM has no such sub-user. Up to 50 Uins share one call. */
  readonly profile: DataLoader<Uin, SubAccount | undefined>;
  /**
   * Loads a user's flags with one call for each user, because CAM has no batch form. Adds recent writes that CAM may
   * not show yet.
   */
  readonly flags: DataLoader<Uin, KnownFlags>;
  /** Loads what the directory knows about a user, without a call to CAM. */
  readonly directoryUser: DataLoader<Uin, DirectoryUser | undefined>;
  /**
   * Discards the user's flags that this operation loaded, and the reading that operations of this process share. Called
   * after every attempt at a change.
   */
  forgetFlags(uin: Uin): void;
}

/** The parts of an account that loaders read from. */
export interface LoaderDeps {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  readonly flagReads: Pick<FlagReads, "read" | "drop">;
}

export interface LoaderOptions {
  readonly requestId: string;
  /** The quota serves callers in turn, by their subject. */
  readonly caller: Caller;
  readonly deadlineMs: number;
  readonly recentWrites: Pick<RecentWrites, "of">;
  readonly directory: Pick<Directory, "find">;
  readonly clock: Clock;
}

/**
 * The most reads from CAM that one operation makes in parallel for one account. It is enough to use every slot of the
 * quota.
 */
const READS_AT_ONCE = 40;

export function createLoaders(
  { name, cam, flagReads }: LoaderDeps,
  { requestId, caller, deadlineMs, recentWrites, directory, clock }: LoaderOptions,
): Loaders {
  const options = { traceId: requestId, deadlineMs, caller: caller.subject };
  // Created at the first read, because most operations read no user.
  let limit: LimitFunction | undefined;
  const limited = <Result>(read: () => Promise<Result>): Promise<Result> => {
    limit ??= pLimit(READS_AT_ONCE);
    return limit(read);
  };
  const readFlags = async (opUin: Uin): Promise<KnownFlags> => {
    const reading = await limited(() => flagReads.read(opUin, options));
    const { writes } = recentWrites.of({ account: name, opUin }, clock.monotonic() - reading.atMs);
    return withRecentWrites(reading, writes);
  };
  const flags = new DataLoader<Uin, KnownFlags>((uins) => Promise.all(uins.map(readFlags)), { batch: false });
  return {
    account: name,
    flags,
    profile: new DataLoader(
      async (uins: readonly Uin[]) => {
        const { output: users } = await limited(() => cam.call(describeSubAccounts, { uins }, options));
        const byUin = new Map(users.map((user) => [user.uin, user]));
        return uins.map((uin) => byUin.get(uin));
      },
      { maxBatchSize: MAX_SUB_ACCOUNTS_PER_CALL },
    ),
    directoryUser: new DataLoader(async (uins: readonly Uin[]) => {
      const users = await directory.find(name, uins);
      return uins.map((uin) => users.get(uin));
    }),
    forgetFlags: (uin) => {
      flags.clear(uin);
      flagReads.drop(uin);
    },
  };
}

/** The loaders of one operation, one set for each account that it reads. */
export class AccountLoaders {
  readonly #accounts: Pick<Accounts<LoaderDeps>, "require" | "find">;
  readonly #options: LoaderOptions;
  readonly #byName = new Map<string, Loaders>();

  constructor(accounts: Pick<Accounts<LoaderDeps>, "require" | "find">, options: LoaderOptions) {
    this.#accounts = accounts;
    this.#options = options;
  }

  /**
   * Returns the loaders of an account, by default of the default account.
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT
   */
  of(name: string | null | undefined): Loaders {
    return this.#loadersOf(this.#accounts.require(name, this.#options.caller));
  }

  /**
   * Returns the loaders of an account without a check of the caller, or undefined for an unknown account. A change has
   * its own check. The gateway reports its outcome even if the policy has changed in the meantime.
   */
  ofChange(name: string | null | undefined): Loaders | undefined {
    const account = this.#accounts.find(name ?? DEFAULT_ACCOUNT);
    return account && this.#loadersOf(account);
  }

  #loadersOf(account: LoaderDeps): Loaders {
    let loaders = this.#byName.get(account.name);
    if (loaders === undefined) {
      loaders = createLoaders(account, this.#options);
      this.#byName.set(account.name, loaders);
    }
    return loaders;
  }
}
