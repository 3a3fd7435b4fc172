import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { seedUsers } from "./changes/change-load.ts";
import type { Bench } from "./support/bench.ts";
import { EmulatedAccounts } from "./support/emulated-accounts.ts";
import { People, send } from "./support/people.ts";
import type { Program } from "./support/program.ts";
import { quantile } from "./support/rounds.ts";
import { verdict } from "./support/rows.ts";

const LIMIT = 20;
/** The accounts of each first scan. `ACCOUNTS=10` measures that one alone, and no kills. */
const ACCOUNTS = process.env["ACCOUNTS"] === undefined ? [1, 10] : [Number(process.env["ACCOUNTS"])];
const KILLS = process.env["ACCOUNTS"] === undefined ? 5 : 0;
/** The users of each account. The bench ends within two minutes with 200, or with 1,000 and `ACCOUNTS`. */
const USERS = Number(process.env["USERS"] ?? 200);
/** The time between two reads of a person during a scan. */
const PERSON_MS = 1_000;
const READ = "DescribeSafeAuthFlagColl";
const NONE = { atMost: 0 };

/** Measures the first scan of accounts at CAM's rate: its time, the wait of people meanwhile, and kill -9 during it. */
export const scans: Bench = {
  name: "scans",
  title: `the first scan of accounts in front of a CAM that accepts ${LIMIT} calls a second of an action and account`,
  async run({ smoke, print }) {
    const users = smoke ? 20 : USERS;
    for (const accounts of ACCOUNTS) {
      await using scanned = await Scanned.open(users, accounts);
      const gateway = await scanned.accounts.startGateway();
      const people = new People(gateway, PERSON_MS);
      await scanned.untilRead(users * accounts);
      const waits = await people.stop();
      const tookMs = await scanned.durationMs();
      // The person reads in the account whose limit the scan uses.
      const idealMs = ((users + waits.length) * 1_000) / LIMIT;
      const target = { atMost: accounts === 1 ? 1.1 : 1.4 };
      print(`${accounts} accounts of ${users} users (load average ${loadavg()[0]?.toFixed(1)})`);
      print(
        `  ${(tookMs / 1_000).toFixed(1)} s, ${(tookMs / idealMs).toFixed(2)} times the time of all calls at CAM's limit; ${verdict(tookMs / idealMs, target, smoke)}`,
      );
      const { throttled } = scanned.accounts;
      print(`  throttled by CAM: ${throttled}; ${verdict(throttled, NONE, smoke)}`);
      print(`  users read twice: ${scanned.readAgain()}; ${verdict(scanned.readAgain(), NONE, smoke)}`);
      const p95 = quantile(waits, 0.95);
      print(
        `  ${waits.length} reads of people, p95 ${p95.toFixed(0)} ms; ${verdict(p95, { atMost: 150 }, smoke)}`,
      );
      const before = scanned.accounts.journal().length;
      await scanned.scanAgain(gateway);
      const calls = scanned.accounts.journal().length - before;
      print(`  calls of a second scan: ${calls}; ${verdict(calls, NONE, smoke)}`);
    }
    const kills = smoke ? 1 : KILLS;
    if (kills === 0) return;
    await using scanned = await Scanned.open(users, 1);
    for (let kill = 1; kill <= kills; kill++) {
      const gateway = await scanned.accounts.startGateway();
      await scanned.untilRead((users * kill) / (kills + 1));
      process.kill(gateway.pid, "SIGKILL");
    }
    await scanned.accounts.startGateway();
    await scanned.untilRead(users);
    print(
      `one account, ${kills} times kill -9: users read twice: ${scanned.readAgain()}, those in flight at a kill`,
    );
  },
};

/** The emulated accounts that gateways scan, and their database. */
class Scanned implements AsyncDisposable {
  readonly accounts: EmulatedAccounts;
  readonly #database: pg.Client;

  private constructor(accounts: EmulatedAccounts, database: pg.Client) {
    this.accounts = accounts;
    this.#database = database;
  }

  static async open(users: number, accounts: number): Promise<Scanned> {
    const opened = await EmulatedAccounts.open({ users, accounts, ratePerSecond: LIMIT });
    const database = new pg.Client(opened.databaseUrl);
    await database.connect();
    return new Scanned(opened, database);
  }

  /** Waits until the protections of so many users are known. */
  async untilRead(count: number): Promise<void> {
    const known = "select count(*)::integer as users from directory_user where protections_as_of is not null";
    for (;;) {
      const { rows } = await this.#database.query<{ users: number }>(known);
      if ((rows[0]?.users ?? 0) >= count) return;
      await sleep(50);
    }
  }

  /** Returns the time from the start of the first scan to the newest read, by the database's clock. */
  async durationMs(): Promise<number> {
    const { rows } = await this.#database.query<{ ms: number }>(
      `select (extract(epoch from max(protections_as_of) - (select min(started_at) from directory_scan)) * 1000)::double precision as ms
       from directory_user`,
    );
    return rows[0]?.ms ?? 0;
  }

  /** Requests a scan and waits until it is done. */
  async scanAgain(gateway: Program): Promise<void> {
    const ended =
      "select finished_at >= started_at as ended, started_at from directory_scan where account = 'default'";
    const read = async () =>
      (await this.#database.query<{ ended: boolean; started_at: Date }>(ended)).rows[0];
    while ((await read())?.ended !== true) await sleep(50);
    const before = await read();
    await send(gateway, "mutation { scanDirectory { status } }");
    for (;;) {
      const now = await read();
      if (now?.ended === true && now.started_at > (before?.started_at ?? now.started_at)) return;
      await sleep(50);
    }
  }

  /** Returns the number of reads of users that were read before. People read only the first user of `default`. */
  readAgain(): number {
    const person = String(seedUsers(1).users[0]?.uin);
    return this.accounts.emulators
      .map((emulator) =>
        emulator.control
          .journal({ action: READ })
          .map(({ opUin }) => opUin)
          .filter((uin) => uin !== person),
      )
      .reduce((again, uins) => again + uins.length - new Set(uins).size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.end();
    await this.accounts[Symbol.asyncDispose]();
  }
}
