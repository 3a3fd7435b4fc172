import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { LOCAL_CALLER } from "../src/auth/caller.ts";
import type { Database } from "../src/database/database.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { type CamEmulator, startCamEmulator } from "../src/emulator/index.ts";
import { RolloutStore } from "../src/rollouts/rollout-store.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import { seedUsers, serverEnv } from "./changes/change-load.ts";
import type { Bench } from "./support/bench.ts";
import { GATEWAY_MAIN } from "./support/build-gateway.ts";
import { People } from "./support/people.ts";
import { type Program, startBareProgram } from "./support/program.ts";
import { verdict } from "./support/rows.ts";

const LIMIT = 20;
const ACCOUNTS = 10;
const NONE = { atMost: 0 };
const OFF = { phone: false, stoken: false, wechat: false };

/** Measures a rollout over ten accounts at CAM's rate, and the wait of people meanwhile. */
export const rollouts: Bench = {
  name: "rollouts",
  title: `a rollout over accounts that accept ${LIMIT} calls a second of an action`,
  async run({ smoke, print }) {
    await measureLanes(smoke ? 20 : 300, smoke, print);
  },
};

type Print = (line: string) => void;

async function measureLanes(users: number, smoke: boolean, print: Print): Promise<void> {
  await using world = await World.open(users, ACCOUNTS, LIMIT);
  const gateway = await world.startGateway({ CAM_RATE_PER_SECOND: String(LIMIT) });
  const people = new People(gateway);
  const id = await world.start(users);
  await world.untilOver(id);
  const waits = await people.stop();
  const tookMs = await world.durationMs(id);
  const ideal = (users * 1_000) / LIMIT;
  const counts = await new RolloutStore(world.database).counts(id);
  const throttled = world.journal().filter(({ outcome }) => outcome?.startsWith("RequestLimitExceeded"));
  const p95 = waits.toSorted((a, b) => a - b)[Math.ceil(waits.length * 0.95) - 1] ?? 0;
  print(
    `${ACCOUNTS} accounts of ${users} users (load average ${loadavg()[0]?.toFixed(1)}), ${counts.applied} applied`,
  );
  print(
    `  ${(tookMs / 1_000).toFixed(1)} s, ${(tookMs / ideal).toFixed(2)} times a lane alone at its limit; ${verdict(tookMs / ideal, { atMost: 1.15 }, smoke)}`,
  );
  print(`  throttled by CAM: ${throttled.length}; ${verdict(throttled.length, NONE, smoke)}`);
  print(
    `  ${waits.length} reads of people, p95 ${p95.toFixed(0)} ms; ${verdict(p95, { atMost: 150 }, smoke)}`,
  );
}

/** Emulated accounts, and the database of the gateways. */
class World implements AsyncDisposable {
  readonly database: Database;
  readonly #emulators: readonly CamEmulator[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    emulators: readonly CamEmulator[],
    database: Database,
    env: Readonly<Record<string, string>>,
    parts: AsyncDisposableStack,
  ) {
    this.#emulators = emulators;
    this.database = database;
    this.#env = env;
    this.#parts = parts;
  }

  static async open(users: number, accounts: number, ratePerSecond: number): Promise<World> {
    const parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const seed = seedUsers(users);
    const emulators = await Promise.all(
      Array.from({ length: accounts }, () => startCamEmulator({ ratePerSecond, seed })),
    );
    for (const emulator of emulators) parts.defer(() => emulator.stop());
    const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
    parts.defer(() => rm(folder, { recursive: true, force: true }));
    const [first, ...others] = emulators.map(({ url }) => url);
    const credentials = {
      secretId: "AKIDLOCALEXAMPLE",
      secretKey: { variable: "TENCENTCLOUD_SECRET_KEY" },
    };
    const settings = Object.fromEntries(
      others.map((endpoint, at) => [
        nameOf(at + 1),
        { endpoint, serviceHost: "cam.tencentcloudapi.com", credentials },
      ]),
    );
    const file = join(folder, "accounts.json");
    await writeFile(file, JSON.stringify({ accounts: settings }));
    const database = await openPostgres({ url: postgres.url });
    parts.defer(() => database.close());
    const env = {
      ...serverEnv(first ?? "", postgres.url),
      ...(others.length > 0 && { CAM_ACCOUNTS: file }),
      DIRECTORY_SCAN_INTERVAL: "off",
    };
    return new World(emulators, database, env, parts);
  }

  async startGateway(env: Readonly<Record<string, string>>): Promise<Program> {
    const gateway = await startBareProgram({
      args: [GATEWAY_MAIN, "serve", "--local"],
      env: { ...this.#env, ...env },
      ready: /GraphQL +(http:\S+)/,
    });
    return this.#parts.use(gateway);
  }

  /** Plans and starts a rollout that switches the phone on for every user. */
  async start(users: number): Promise<string> {
    const { db } = this.database;
    const accounts = this.#emulators.map((_, at) => nameOf(at));
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

  /** Returns the time of the run by the database's clock, without the wait of up to five seconds for the lanes. */
  async durationMs(id: string): Promise<number> {
    const { rows } = await sql<{ ms: number }>`
      select (extract(epoch from max(i.settled_at) - min(c.created_at)) * 1000)::double precision as ms
      from mfa_rollout_item i join mfa_change c on c.id = i.change_id where i.rollout_id = ${id}`.execute(
      this.database.db,
    );
    return rows[0]?.ms ?? 0;
  }

  journal() {
    return this.#emulators.flatMap(({ control }) => control.journal());
  }

  async #until(statement: ReturnType<typeof sql>): Promise<void> {
    while ((await statement.execute(this.database.db)).rows.length === 0) await sleep(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

function nameOf(at: number): string {
  return at === 0 ? "default" : `account-${at}`;
}
