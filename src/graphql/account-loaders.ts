import type { Accounts } from "../auth/accounts.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
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
