import { DEFAULT_ACCOUNT } from "../auth/account-name.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
import type { Uin } from "../contract/index.ts";
import { createLoaders, type LoaderDeps, type LoaderOptions, type Loaders } from "./loaders.ts";

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
   * Those of the account that a caller names; of the default one where they name none.
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT
   */
  of(name: string | null | undefined): Loaders {
    const { caller } = this.#options;
    const account = this.#accounts.require(name, caller);
    let loaders = this.#byName.get(account.name);
    if (loaders === undefined) {
      loaders = createLoaders(account, { ...this.#options, caller: caller.subject });
      this.#byName.set(account.name, loaders);
    }
    return loaders;
  }

  /** The user was changed, or may have been: what was read of the flags is no longer so, for any operation. */
  forgetFlags(name: string | null | undefined, uin: Uin): void {
    const account = this.#accounts.find(name ?? DEFAULT_ACCOUNT);
    if (account === undefined) return;
    account.flagReads.drop(uin);
    this.#byName.get(account.name)?.flags.clear(uin);
  }
}
