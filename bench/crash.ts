import { setTimeout as sleep } from "node:timers/promises";
import { verifyDatabase } from "../src/audit/verify-database.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { type EmulatorControl, startCamEmulator } from "../src/emulator/index.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import { changePhone, seedUsers, serverEnv } from "./changes/change-load.ts";
import { compareWithJournal, readSettledRecord } from "./changes/compare-record.ts";
import type { Bench } from "./support/bench.ts";
import { GATEWAY_MAIN } from "./support/build-gateway.ts";
import { type Program, startBareProgram } from "./support/program.ts";
import { verdict } from "./support/rows.ts";

const CLIENTS = 8;
const NONE = { atMost: 0 };
const USERS = 200;
const REPLICAS = 2;

/** Checks that no change is lost: kills replicas at random moments and compares the record with CAM's journal. */
export const crash: Bench = {
  name: "crash",
  title: `kill -9 of ${REPLICAS} replicas in turn, during changes by ${CLIENTS} clients`,
  async run({ smoke, print }) {
    const [changes, kills] = smoke ? [40, 2] : [2_000, 50];
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const emulator = await startCamEmulator({ ratePerSecond: 1_000, seed: seedUsers(USERS) });
    parts.defer(() => emulator.stop());
    const env = { ...serverEnv(emulator.url, postgres.url), CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "2000" };
    const replicas = new Replicas(env);
    parts.defer(() => replicas.stop());
    await replicas.start();

    const load: Load = { changes, kills, made: 0, answered: 0, killed: 0 };
    const killing = replicas.killAtRandom(load);
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => runClient(client, replicas, load)));
    await killing;

    const store = await openPostgres({ url: postgres.url });
    parts.defer(() => store.close());
    const records = await readSettledRecord(store.db);
    const faults = compareWithJournal(records, emulator.control.journal({ action: "SetMfaFlag" }));
    const blocked = await countBlocked(replicas, emulator.control);
    const { problem } = await verifyDatabase(store.db, undefined);
    print(
      `${load.made} changes requested, ${load.answered} answered, ${load.killed} kills, ${records.length} on record`,
    );
    print(`reached CAM without a record: ${faults.unrecorded} ${verdict(faults.unrecorded, NONE, smoke)}`);
    print(
      `records that CAM's journal contradicts: ${faults.contradicted} ${verdict(faults.contradicted, NONE, smoke)}`,
    );
    print(`users left blocked: ${blocked} ${verdict(blocked, NONE, smoke)}`);
    print(`the chain verifies: ${problem === undefined ? "yes" : `no, ${problem.reason}`}`);
  },
};

/** The planned and the finished changes. */
interface Load {
  readonly changes: number;
  readonly kills: number;
  made: number;
  answered: number;
  killed: number;
}

async function runClient(client: number, replicas: Replicas, load: Load): Promise<void> {
  while (load.made < load.changes) {
    // Keep pace with the kills, so that changes are under way at each of them.
    while (load.killed < load.kills && load.made / load.changes > (load.killed + 1) / load.kills)
      await sleep(10);
    const number = load.made++;
    const opUin = String(100_021_000_001 + Math.floor(Math.random() * USERS));
    const change = { opUin, on: Math.random() < 0.5, requestId: `client-${client}-${number}` };
    // A killed replica does not answer. The benchmark checks what happened to its change.
    await changePhone(replicas.any(), change).then(
      () => {
        load.answered += 1;
      },
      () => undefined,
    );
  }
}

async function countBlocked(replicas: Replicas, control: EmulatorControl): Promise<number> {
  let blocked = 0;
  for (const [at, { uin }] of control.users().entries()) {
    const change = { opUin: uin, on: control.user(uin)?.loginFlag.Phone !== 1, requestId: `after-${at}` };
    const { code } = await changePhone(replicas.any(), change);
    if (code !== undefined) blocked += 1;
  }
  return blocked;
}

/** Runs gateways as processes and restarts a killed one immediately. */
class Replicas {
  readonly #env: Readonly<Record<string, string>>;
  #running: (Program | undefined)[] = [];

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  async start(): Promise<void> {
    this.#running = await Promise.all(Array.from({ length: REPLICAS }, () => this.#startOne()));
  }

  /** Returns the address of a replica that is not known to be dead. */
  any(): string {
    const alive = this.#running.filter((replica) => replica !== undefined);
    return alive[Math.floor(Math.random() * alive.length)]?.told ?? "";
  }

  async killAtRandom(load: Load): Promise<void> {
    while (load.killed < load.kills) {
      await sleep(Math.random() * 600);
      const at = load.killed % REPLICAS;
      const victim = this.#running[at];
      if (victim === undefined) continue;
      process.kill(victim.pid, "SIGKILL");
      this.#running[at] = undefined;
      this.#running[at] = await this.#startOne();
      load.killed += 1;
    }
  }

  async stop(): Promise<void> {
    for (const replica of this.#running) await replica?.[Symbol.asyncDispose]();
  }

  #startOne(): Promise<Program> {
    return startBareProgram({
      args: [GATEWAY_MAIN, "serve", "--local"],
      env: this.#env,
      ready: /GraphQL +(http:\S+)/,
    });
  }
}
