import type { AccountRegister } from "../audit/account-register.ts";
import type { ChangeStore } from "../audit/change-store.ts";
import type { Accounts } from "../auth/accounts.ts";
import { isOfWrongAccount } from "../changes/gateway-identity.ts";
import { type Clock, within } from "../clock.ts";
import type { AccountSettings, AccountsSettings } from "../config/accounts-file.ts";
import { ConfigError } from "../config/config.ts";
import { type FileRead, PolledFile } from "../poller.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Account } from "./create-account.ts";
import { checkKeyFiles, parseAccounts } from "./load-files.ts";

interface LiveAccountsDeps {
  /** The accounts in use. The first one is the default account, which the file does not describe. */
  readonly accounts: Accounts<Account>;
  /** Undefined without a file: the accounts never change. */
  readonly source: AccountsSource | undefined;
  readonly register: AccountRegister;
  readonly changeStore: Pick<ChangeStore, "countOpen">;
  readonly telemetry: Telemetry;
  /** The time after which every operation is over. */
  readonly timeLimitMs: number;
}

interface AccountsSource {
  readonly settings: AccountsSettings;
  /** The read that the first accounts come from. */
  readonly first: FileRead;
  readonly create: (account: AccountSettings) => Promise<Account>;
}

/** How long the gateway waits for the owners of new keys. It starts without CAM. */
const KEY_OWNER_WAIT_MS = 3_000;

/** More than an operation needs to end after its deadline. */
const GRACE_MS = 5_000;

const COUNT_EVERY_MS = 5_000;

/**
 * Keeps the accounts as the file of CAM_ACCOUNTS describes them. A changed account is replaced by a new one under its
 * name. A removed account finishes the operations under way, and stays until the outcome of each of its changes is
 * known. A file with a mistake changes nothing.
 */
export class LiveAccounts {
  readonly #deps: LiveAccountsDeps;
  readonly #polled: PolledFile | undefined;
  readonly #retiring = new Map<Account, Promise<void>>();
  readonly #stopping = new AbortController();
  #onChanged: () => void = () => undefined;
  #problems = "";

  constructor(deps: LiveAccountsDeps) {
    const { source, telemetry } = deps;
    this.#deps = deps;
    const { clock } = telemetry;
    this.#polled =
      source &&
      new PolledFile({
        ...{ file: source.settings.file, first: source.first, clock },
        use: (read) => this.#applyFile(read, source),
      });
  }

  /** The names of the accounts whose changes the gateway settles now. */
  get settled(): readonly string[] {
    return [...this.#deps.accounts.all, ...this.#retiring.keys()].map(({ name }) => name);
  }

  /**
   * Starts the default account and those of the file, and records which ones were added, removed or changed since the
   * last start.
   *
   * @throws ConfigError for a mistake in the file, and if a key belongs to another main account than its account's name.
   */
  async start(): Promise<void> {
    const { accounts, source, telemetry } = this.#deps;
    const ofFile = source && { ...source, wanted: parseAccounts(source.first, source.settings) };
    await requireOwnKeys(accounts.all, telemetry.clock);
    for (const account of accounts.all) startAccount(account);
    if (ofFile !== undefined) {
      await this.#apply(ofFile.wanted, ofFile);
      telemetry.health.report("accounts", undefined);
    }
    await this.#recordAccounts();
  }

  /** Follows the file from now on. @param onChanged Called after each change of the accounts. */
  follow(onChanged: () => void): void {
    this.#onChanged = onChanged;
    this.#polled?.start();
  }

  /** Leaves the accounts as they are from now on. */
  async unfollow(): Promise<void> {
    await this.#polled?.stop();
  }

  async close(): Promise<void> {
    await this.unfollow();
    this.#stopping.abort();
    const retiring = [...this.#retiring];
    await Promise.all(retiring.map(([, retired]) => retired));
    const open = [...this.#deps.accounts.all, ...retiring.map(([account]) => account)];
    await Promise.all(open.map((account) => account.close()));
  }

  /**
   * Uses a changed file. A file that cannot be used now may be usable later, for example if a key is missing or CAM
   * does not answer.
   */
  async #applyFile(read: FileRead, source: AccountsSource): Promise<"done" | "again"> {
    const { report, health } = this.#deps.telemetry;
    try {
      const wanted = parseAccounts(read, source.settings);
      await checkKeyFiles(wanted);
      await this.#apply(wanted, source);
    } catch (error) {
      const { problems = [(error as Error).message] } = error as Partial<ConfigError>;
      const isNew = this.#problems !== problems.join();
      this.#problems = problems.join();
      const problem =
        "The changed file cannot be used, and the old accounts stay in use. See accounts.unusable.";
      health.report("accounts", undefined, problem);
      if (isNew) report("accounts.unusable", { problems });
      return "again";
    }
    this.#problems = "";
    health.report("accounts", undefined);
    return this.#recordAccounts();
  }

  async #apply(
    wanted: readonly AccountSettings[],
    { create }: Pick<AccountsSource, "create">,
  ): Promise<void> {
    const { accounts, telemetry } = this.#deps;
    const isNew = ({ name, settings }: AccountSettings) => accounts.find(name)?.settings !== settings;
    const fresh = new Map<string, Account>();
    try {
      for (const settings of wanted.filter(isNew)) fresh.set(settings.name, await create(settings));
      await requireOwnKeys([...fresh.values()], telemetry.clock);
    } catch (error) {
      await Promise.all([...fresh.values()].map((account) => account.close()));
      throw error;
    }
    const before = accounts.all;
    const names = new Set(wanted.map(({ name }) => name));
    const [byDefault] = before;
    const kept = before.filter((account) => account === byDefault || names.has(account.name));
    const after = kept.map((account) => fresh.get(account.name) ?? account);
    const added = [...fresh.values()].filter(({ name }) => accounts.find(name) === undefined);
    const gone = before.filter((account) => !after.includes(account));
    if (fresh.size + gone.length === 0) return;
    for (const account of gone) account.unwatch();
    accounts.replace([...after, ...added]);
    for (const account of fresh.values()) {
      telemetry.health.forget("open_changes", account.name);
      startAccount(account);
    }
    for (const account of gone) this.#retiring.set(account, this.#retire(account));
    const namesOf = (some: readonly { readonly name: string }[]) => some.map(({ name }) => name);
    telemetry.report("accounts.in_use", {
      added: namesOf(added),
      changed: namesOf(gone.filter(({ name }) => names.has(name))),
      removed: namesOf(gone.filter(({ name }) => !names.has(name))),
    });
    this.#onChanged();
  }

  /** Closes an account once nothing needs it any more. If another one has its name, that one settles the changes. */
  async #retire(account: Account): Promise<void> {
    const { accounts, changeStore, telemetry, timeLimitMs } = this.#deps;
    const { clock, health, metrics, report } = telemetry;
    const { signal } = this.#stopping;
    const { name } = account;
    const isReplaced = () => accounts.find(name) !== undefined;
    const idleAtMs = clock.monotonic() + timeLimitMs + GRACE_MS;
    if (isReplaced()) await account.reconciler.stop();
    let open: number | undefined;
    while (clock.monotonic() < idleAtMs || (!isReplaced() && open !== 0)) {
      const before = open;
      open = isReplaced() ? 0 : await changeStore.countOpen(name).catch(() => undefined);
      if (open !== undefined && open > 0 && !isReplaced()) {
        health.report("open_changes", name, `It was removed with ${open} open changes. Keep its key valid.`);
        if (open !== before) report("account.has_open_changes", { account: name, changes: open });
      }
      await clock.sleep(COUNT_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
    await account.close();
    this.#retiring.delete(account);
    if (isReplaced()) return;
    health.forget("open_changes", name);
    await metrics.forget(name);
    report("account.closed", { account: name });
  }

  async #recordAccounts(): Promise<"done" | "again"> {
    const { accounts, register, telemetry } = this.#deps;
    try {
      await register.note(accounts.all);
      return "done";
    } catch (err) {
      // The gateway serves reads without its record.
      telemetry.report("record.accounts_not_noted", { err });
      return "again";
    }
  }
}

function startAccount({ watch, reconciler }: Account): void {
  watch();
  reconciler.start();
}

/**
 * Asks CAM for the owner of each account's key. Asks again for an account whose owner stays unknown, and uses the
 * account only then.
 * @throws ConfigError for each key of another main account than its account's name.
 */
async function requireOwnKeys(accounts: readonly Account[], clock: Clock): Promise<void> {
  const failures = await Promise.all(
    accounts.map(async ({ endpoint, gatewayIdentity }) => {
      const first = gatewayIdentity.start();
      return endpoint && within<unknown>(clock, KEY_OWNER_WAIT_MS, first, () => undefined);
    }),
  );
  const problems = failures.filter(isOfWrongAccount).map(({ cause }) => cause.message);
  if (problems.length > 0) throw new ConfigError(problems);
}
