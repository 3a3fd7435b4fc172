import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { LOCAL_CALLER } from "../../src/auth/caller.ts";
import type { Database } from "../../src/database/database.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { RolloutStore } from "../../src/rollouts/rollout-store.ts";
import { seedUsers } from "../changes/change-load.ts";
import { EmulatedAccounts } from "./emulated-accounts.ts";

/** CAM's limit of an action. */
export const LIMIT = 20;
/** A scan would use slots too. */
export const CALM = { DIRECTORY_SCAN_INTERVAL: "off" };
const OFF = { phone: false, stoken: false, wechat: false };

/** The emulated accounts of a rollout, and the database of the gateways. */
export class RolloutWorld implements AsyncDisposable {
  readonly accounts: EmulatedAccounts;
  readonly database: Database;

  private constructor(accounts: EmulatedAccounts, database: Database) {
    this.accounts = accounts;
    this.database = database;
  }

  static async open(users: number, accounts: number, ratePerSecond: number): Promise<RolloutWorld> {
    const opened = await EmulatedAccounts.open({ users, accounts, ratePerSecond });
    const database = await openPostgres({ url: opened.databaseUrl });
    await migrate(database, MIGRATIONS_DIR);
    return new RolloutWorld(opened, database);
  }

  /** Plans and starts a rollout that switches the phone on for every user. */
  async start(users: number): Promise<string> {
    const { db } = this.database;
    const accounts = this.accounts.names;
    const options = { maxFailures: { percent: 100 }, waves: [], window: undefined, includeAtRisk: false };
    const { id } = await new RolloutStore(this.database).create({
      ...{ name: "Everybody by SMS", reason: "bench", accounts, undoOf: undefined, caller: LOCAL_CALLER },
      ...{ requestId: randomUUID(), input: { selection: undefined, desired: undefined, ...options } },
    });
    const image = JSON.stringify({ login: OFF, action: OFF, asOf: new Date().toISOString() });
    const sent = JSON.stringify({ login: { ...OFF, phone: true } });
    const items = accounts.flatMap((account, at) =>
      seedUsers(users, at).users.map(({ uin }, place) => ({ account, uin, place })),
    );
    await sql`
      insert into mfa_rollout_item (rollout_id, item, account, op_uin, before_image, sent, state, wave)
      select ${id}, row_number() over (order by place, account), account, uin, ${image}::jsonb, ${sent}::jsonb,
        'will_change', 1
      from jsonb_to_recordset(${JSON.stringify(items)}::jsonb) u (account text, uin text, place integer)`.execute(
      db,
    );
    await sql`
      update mfa_rollout set status = 'planned', plan_hash = 'bench', planned_at = now(), max_failures = 100000,
        expires_at = now() + interval '1 day', started_scopes = caller_scopes where id = ${id}`.execute(db);
    await sql`select run_rollout(${id})`.execute(db);
    return id;
  }

  async untilOver(id: string): Promise<void> {
    await this.#until(sql`select from mfa_rollout where id = ${id} and finished_at is not null`);
  }

  async untilApplied(id: string, count: number): Promise<void> {
    await this.#until(sql`
      select from mfa_rollout_item where rollout_id = ${id} and state = 'applied' having count(*) >= ${count}`);
  }

  /** Returns the time of the run by the database's clock, without the wait of up to five seconds for the lanes. */
  async durationMs(id: string): Promise<number> {
    const { rows } = await sql<{ ms: number }>`
      select (extract(epoch from max(i.settled_at) - min(c.created_at)) * 1000)::double precision as ms
      from mfa_rollout_item i join mfa_change c on c.id = i.change_id where i.rollout_id = ${id}`.execute(
      this.database.db,
    );
    return rows[0]?.ms ?? 0;
  }

  async #until(statement: ReturnType<typeof sql>): Promise<void> {
    while ((await statement.execute(this.database.db)).rows.length === 0) await sleep(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.accounts[Symbol.asyncDispose]();
  }
}
