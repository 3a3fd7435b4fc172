import { randomUUID } from "node:crypto";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { verifyDatabase } from "../src/audit/verify-database.ts";
import { LOCAL_CALLER } from "../src/auth/caller.ts";
import type { Database } from "../src/database/database.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import type { FaultInput } from "../src/emulator/index.ts";
import { RolloutStore } from "../src/rollouts/rollout-store.ts";
import { seedUsers } from "./changes/change-load.ts";
import type { Bench } from "./support/bench.ts";
import { EmulatedAccounts } from "./support/emulated-accounts.ts";
import { People } from "./support/people.ts";
import type { Program } from "./support/program.ts";
import { verdict } from "./support/rows.ts";

const LIMIT = 20;
const ACCOUNTS = 10;
const KILLS = 5;
/** The users of each account. The bench ends within two minutes with 300. */
const USERS = Number(process.env["USERS"] ?? 300);
const NONE = { atMost: 0 };
/** A scan would use slots too. */
const CALM = { DIRECTORY_SCAN_INTERVAL: "off" };
const OFF = { phone: false, stoken: false, wechat: false };

/** Replies that are lost after the write, that never come, and writes that CAM applies late. */
const FAULTS: readonly FaultInput[] = [
  { kind: "cutAfter", action: "SetMfaFlag", probability: 0.03 },
  { kind: "silence", action: "SetMfaFlag", apply: true, probability: 0.03 },
  { kind: "silence", action: "SetMfaFlag", apply: true, applyAfterMs: 1_500, probability: 0.03 },
];

/** Measures a rollout over ten accounts at CAM's rate, and kills replicas during one. */
export const rollouts: Bench = {
  name: "rollouts",
  title: `a rollout over accounts that accept ${LIMIT} calls a second of an action, and kill -9 during one`,
  async run({ smoke, print }) {
    await measureLanes(smoke ? 20 : USERS, smoke, print);
    await killReplicas(smoke ? 40 : Math.ceil(USERS / 2), smoke ? 1 : KILLS, smoke, print);
  },
};

type Print = (line: string) => void;

async function measureLanes(users: number, smoke: boolean, print: Print): Promise<void> {
  await using world = await World.open(users, ACCOUNTS, LIMIT);
  const gateway = await world.accounts.startGateway(CALM);
  const people = new People(gateway);
  const id = await world.start(users);
  await world.untilOver(id);
  const waits = await people.stop();
  const tookMs = await world.durationMs(id);
  const ideal = (users * 1_000) / LIMIT;
  const counts = await new RolloutStore(world.database).counts(id);
  const { throttled } = world.accounts;
  const p95 = waits.toSorted((a, b) => a - b)[Math.ceil(waits.length * 0.95) - 1] ?? 0;
  print(
    `${ACCOUNTS} accounts of ${users} users (load average ${loadavg()[0]?.toFixed(1)}), ${counts.applied} applied`,
  );
  print(
    `  ${(tookMs / 1_000).toFixed(1)} s, ${(tookMs / ideal).toFixed(2)} times a lane alone at its limit; ${verdict(tookMs / ideal, { atMost: 1.15 }, smoke)}`,
  );
  print(`  throttled by CAM: ${throttled}; ${verdict(throttled, NONE, smoke)}`);
  print(
    `  ${waits.length} reads of people, p95 ${p95.toFixed(0)} ms; ${verdict(p95, { atMost: 150 }, smoke)}`,
  );
}

async function killReplicas(users: number, kills: number, smoke: boolean, print: Print): Promise<void> {
  await using world = await World.open(users, 1, 1_000);
  const env = {
    ...CALM,
    CAM_RATE_PER_SECOND: String(LIMIT),
    CAM_TIMEOUT_MS: "1000",
    CAM_DEADLINE_MS: "4000",
  };
  const replicas = [await world.accounts.startGateway(env), await world.accounts.startGateway(env)];
  for (const fault of FAULTS) world.addFault(fault);
  const id = await world.start(users);
  for (let kill = 1; kill <= kills; kill++) {
    await world.untilApplied(id, (users * kill) / (kills + 1));
    // The one that keeps the lane dies, and the other one goes on.
    const at = await world.keeperOf(id, replicas);
    const victim = replicas[at];
    if (victim !== undefined) process.kill(victim.pid, "SIGKILL");
    replicas[at] = await world.accounts.startGateway(env);
  }
  await world.untilOver(id);
  const { rows } = await sql<{ missing: number; twice: number; repeated: number }>`
    select count(*) filter (where state <> 'applied')::integer as missing,
      count(*) filter (where (
        select count(*) from mfa_change c
        where c.rollout_id = i.rollout_id and c.rollout_item = i.item and c.status = 'applied'
      ) > 1)::integer as twice,
      count(*) filter (where attempt > 1)::integer as repeated
    from mfa_rollout_item i where rollout_id = ${id}`.execute(world.database.db);
  const { missing = -1, twice = -1, repeated = -1 } = rows[0] ?? {};
  const { problem } = await verifyDatabase(world.database.db, undefined);
  const off = world.usersWithoutPhone();
  print(`one account of ${users} users, two replicas, ${kills} times kill -9, 9 % of replies lost or late`);
  print(`  users without the change: ${missing + off}; ${verdict(missing + off, NONE, smoke)}`);
  print(`  users changed twice: ${twice}; ${verdict(twice, NONE, smoke)}`);
  print(`  users whose first attempt was not applied: ${repeated}`);
  print(`  the chains verify: ${problem === undefined ? "yes" : `no, ${problem.reason}`}`);
}

/** The emulated accounts of a rollout, and the database of the gateways. */
class World implements AsyncDisposable {
  readonly accounts: EmulatedAccounts;
  readonly database: Database;

  private constructor(accounts: EmulatedAccounts, database: Database) {
    this.accounts = accounts;
    this.database = database;
  }

  static async open(users: number, accounts: number, ratePerSecond: number): Promise<World> {
    const opened = await EmulatedAccounts.open({ users, accounts, ratePerSecond });
    return new World(opened, await openPostgres({ url: opened.databaseUrl }));
  }

  addFault(fault: FaultInput): void {
    for (const { control } of this.accounts.emulators) control.addFault(fault);
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
    const uins = seedUsers(users).users.map(({ uin }) => String(uin));
    await sql`
      insert into mfa_rollout_item (rollout_id, item, account, op_uin, before_image, sent, state, wave)
      select ${id}, row_number() over (order by u, a), a, u, ${image}::jsonb, ${sent}::jsonb, 'will_change', 1
      from unnest(${accounts}::text[]) a cross join unnest(${uins}::text[]) u`.execute(db);
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

  /** Returns the place of the replica that keeps the lane. */
  async keeperOf(id: string, replicas: readonly Program[]): Promise<number> {
    const { rows } = await sql<{ replica: string }>`
      select replica from mfa_change where rollout_id = ${id} order by begun desc limit 1`.execute(
      this.database.db,
    );
    const at = replicas.findIndex(({ pid }) => rows[0]?.replica.includes(String(pid)));
    return Math.max(at, 0);
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

  usersWithoutPhone(): number {
    const users = this.accounts.emulators.flatMap(({ control }) =>
      control.users().map(({ uin }) => control.user(uin)),
    );
    return users.filter((user) => user?.loginFlag.Phone !== 1).length;
  }

  async #until(statement: ReturnType<typeof sql>): Promise<void> {
    while ((await statement.execute(this.database.db)).rows.length === 0) await sleep(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.accounts[Symbol.asyncDispose]();
  }
}
