import { sql } from "kysely";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { runQuery, runRead } from "../database/statements.ts";

/** The settings of an account that the record keeps. */
export interface RegisteredAccount {
  readonly name: string;
  /** Undefined for an emulator. */
  readonly endpoint: string | undefined;
  readonly ratePerSecond: number;
  /** SHA-256 of all settings, which hold no secret. */
  readonly settings: string;
}

/** The names of accounts in the database. Its methods throw the errors of ChangeStore. */
export class AccountRegister {
  readonly #database: Database;
  readonly #replica: string;

  constructor(database: Database, replica: string) {
    this.#database = database;
    this.#replica = replica;
  }

  /** Binds a name to a main account at its first use. Returns the Uin to which the name is bound. */
  async bind(name: string, ownerUin: Uin): Promise<string> {
    const [row] = await runQuery<{ bound: string }>(
      this.#database,
      sql`select bind_account(${name}, ${ownerUin}, ${this.#replica}) as bound`,
    );
    if (row === undefined) throw new Error("bind_account returned nothing.");
    return row.bound;
  }

  /** Returns the Uin of the main account to which a name is bound. Undefined before its first use. */
  async boundUin(name: string): Promise<string | undefined> {
    const rows = await runRead<{ ownerUin?: string }>(
      this.#database,
      sql`select owner_uin from account_register where account = ${name}`,
    );
    return rows[0]?.ownerUin;
  }

  /** Seals the difference between these accounts and those that a replica told last. */
  async note(accounts: readonly RegisteredAccount[]): Promise<void> {
    const facts = Object.fromEntries(
      accounts.map(({ name, endpoint, ratePerSecond, settings }) => [
        name,
        { endpoint, ratePerSecond, settings },
      ]),
    );
    await runQuery(
      this.#database,
      sql`select register_accounts(${JSON.stringify(facts)}::jsonb, ${this.#replica})`,
    );
  }
}
