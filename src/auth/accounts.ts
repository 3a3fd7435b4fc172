import { GatewayError } from "../contract/index.ts";
import type { CallerIdentity } from "./caller.ts";

/** The account that the CAM_* and TENCENTCLOUD_* variables describe. Requests without an account use it. */
export const DEFAULT_ACCOUNT = "default";

export const ACCOUNT_NAME = /^[a-z0-9-]{1,40}$/;

/** Returns whether a text has the form of an account's name. */
export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}

/** The configured accounts, and the callers that may use them. */
export class Accounts<Account extends { readonly name: string }> {
  #byName: ReadonlyMap<string, Account> = new Map();
  readonly #mayUse: (caller: CallerIdentity, name: string) => boolean;

  /** @param mayUse Decides about every name except the default one, including names of accounts that do not exist. */
  constructor(all: readonly Account[], mayUse: (caller: CallerIdentity, name: string) => boolean) {
    this.#mayUse = mayUse;
    this.replace(all);
  }

  /** Replaces all accounts. Operations in progress keep the accounts that they have looked up. */
  replace(all: readonly Account[]): void {
    this.#byName = new Map(all.map((account) => [account.name, account]));
  }

  get all(): readonly Account[] {
    return [...this.#byName.values()];
  }

  /** Returns an account, or undefined for an unknown name. Does not check the caller. */
  find(name: string): Account | undefined {
    return this.#byName.get(name);
  }

  /**
   * Returns the account that a caller names, or the default one. Checks the caller's right before the account's
   * existence, so that a refused caller does not learn which accounts exist.
   *
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT
   */
  require(name: string | null | undefined, caller: CallerIdentity): Account {
    const named = name ?? DEFAULT_ACCOUNT;
    if (!isAccountName(named)) throw new GatewayError("UNKNOWN_ACCOUNT");
    if (!this.mayUse(caller, named)) {
      throw new GatewayError("FORBIDDEN", {
        hint: `You may not use the account ${named}.`,
        rule: "accounts",
      });
    }
    const account = this.#byName.get(named);
    if (account === undefined) throw new GatewayError("UNKNOWN_ACCOUNT");
    return account;
  }

  /** Returns the accounts that a caller may use. */
  visibleTo(caller: CallerIdentity): readonly Account[] {
    return this.all.filter(({ name }) => this.mayUse(caller, name));
  }

  /**
   * Returns the names of the accounts that a caller selects, or of all that the caller may use.
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT
   */
  select(names: readonly string[] | null | undefined, caller: CallerIdentity): readonly string[] {
    if (!names) return this.visibleTo(caller).map(({ name }) => name);
    return [...new Set(names.map((name) => this.require(name, caller).name))];
  }

  /** Whether a caller may use an account of this name. The account may not be configured any more. */
  mayUse(caller: CallerIdentity, name: string): boolean {
    return name === DEFAULT_ACCOUNT || this.#mayUse(caller, name);
  }
}
