import { GatewayError } from "../contract/index.ts";
import type { CallerIdentity } from "./caller.ts";

/** The account of the CAM_* and TENCENTCLOUD_* variables, which is meant wherever none is named. */
export const DEFAULT_ACCOUNT = "default";

export const ACCOUNT_NAME = /^[a-z0-9-]{1,40}$/;

/** Whether a text has the form of an account's name, so that there could be such an account. */
export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}

export interface AccountsDeps<Account> {
  /** The default one among them. */
  readonly all: readonly Account[];
  /** Asked of names, whether there is such an account or not; the default account is everybody's. */
  readonly mayUse: (caller: CallerIdentity, name: string) => boolean;
}

/** The accounts that there are, and who may use which. */
export class Accounts<Account extends { readonly name: string }> {
  readonly #byName: ReadonlyMap<string, Account>;
  readonly #mayUse: AccountsDeps<Account>["mayUse"];

  constructor({ all, mayUse }: AccountsDeps<Account>) {
    this.#byName = new Map(all.map((account) => [account.name, account]));
    this.#mayUse = mayUse;
  }

  get all(): readonly Account[] {
    return [...this.#byName.values()];
  }

  /** Whoever may use it; undefined where there is none of the name. */
  find(name: string): Account | undefined {
    return this.#byName.get(name);
  }

  /**
   * The account that a caller names, or the default one where they name none. Whoever may not use a name is told the
   * same of it whether there is such an account or not.
   *
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT
   */
  require(name: string | null | undefined, caller: CallerIdentity): Account {
    const named = name ?? DEFAULT_ACCOUNT;
    if (!isAccountName(named)) throw new GatewayError("UNKNOWN_ACCOUNT");
    if (!this.#isFor(caller, named)) {
      throw new GatewayError("FORBIDDEN", { hint: `You may not use the account ${named}.` });
    }
    const account = this.#byName.get(named);
    if (account === undefined) throw new GatewayError("UNKNOWN_ACCOUNT");
    return account;
  }

  /** Those that a caller may use. */
  visibleTo(caller: CallerIdentity): readonly Account[] {
    return this.all.filter(({ name }) => this.#isFor(caller, name));
  }

  #isFor(caller: CallerIdentity, name: string): boolean {
    return name === DEFAULT_ACCOUNT || this.#mayUse(caller, name);
  }
}
