import { sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { runQuery } from "../database/statements.ts";

/** The lifetime of a result. Every account checks once a second, so all accounts share one query. */
const FRESH_MS = 500;

/** Finds the accounts with changes that `ChangeStore.claim` may return, by one statement for all accounts. */
export class DueChanges {
  readonly #database: Database;
  readonly #clock: Clock;
  #accounts: Promise<ReadonlySet<string>> = Promise.resolve(new Set());
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** @throws GatewayError STORE_UNAVAILABLE */
  async has(account: string): Promise<boolean> {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#askedMs >= FRESH_MS) {
      this.#askedMs = nowMs;
      this.#accounts = this.#find();
    }
    return (await this.#accounts).has(account);
  }

  async #find(): Promise<ReadonlySet<string>> {
    // A lease that ends later than any replica sets one is from before the clock was set back.
    const rows = await runQuery<{ account: string }>(
      this.#database,
      sql`
      select distinct account from mfa_change
      where lease_until is not null and (
        lease_until < statement_timestamp()
        or (status in ('pending', 'unknown') and lease_until > statement_timestamp() + interval '20 minutes')
      )`,
    );
    return new Set(rows.map(({ account }) => account));
  }
}
