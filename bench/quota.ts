import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import type { Database } from "../src/database/database.ts";
import { migrate } from "../src/database/migrate.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../src/gateway/package-paths.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import { describeResult, type Result } from "./quota/describe-result.ts";
import type { OfferOutcome, OfferQuestion } from "./quota/offer.ts";
import type { CutQuestion } from "./quota/relay.ts";
import { SCENARIOS, type Scenario } from "./quota/scenarios.ts";
import type { CountsQuestion, VendorCounts } from "./quota/vendor.ts";
import type { Bench } from "./support/bench.ts";
import { type Program, startProgram } from "./support/program.ts";
import { LISTENING } from "./support/upstream.ts";

const RATE_PER_SECOND = 20;
const ACTION = "DescribeSafeAuthFlagColl";
const REPLICAS = 3;
/** The seconds of each scenario. Several short runs give better results than one long run. */
const SECONDS = Number(process.env["SECONDS"] ?? 9);
/** The names of the scenarios to play, separated by commas. The default is all of them. */
const ONLY = process.env["SCENARIO"]?.split(",");

/** The network between the replicas and a distant CAM. */
const FAR = { WAY_MS: "30", JITTER_MS: "25", STRAGGLER_MS: "200" };
const OUTAGE_MS = 4_000;
const CLOCK_JUMP_MS = 500;
const STRANGERS_PER_SECOND = 4;

export const quota: Bench = {
  name: "quota",
  title: `${REPLICAS} processes that share one PostgreSQL, and a CAM that accepts ${RATE_PER_SECOND} calls a second of an action`,
  async run({ smoke, print }) {
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const database = await openPostgres({ url: postgres.url });
    parts.defer(() => database.close());
    await migrate(database, MIGRATIONS_DIR);
    const vendor = parts.use(await startProgram({ args: [script("vendor")], ready: LISTENING }));
    const databaseUrl = new URL(postgres.url);
    const camUrl = new URL(vendor.told);
    const databaseRelay = parts.use(await startRelay(databaseUrl.port));
    const farRelay = parts.use(await startRelay(camUrl.port, FAR));
    databaseUrl.port = databaseRelay.told;
    const startCaller = (name: string, env: Readonly<Record<string, string>>, isFar = false) => {
      const url = new URL(camUrl);
      if (isFar) url.port = farRelay.told;
      return startProgram({
        args: [script("replica")],
        env: { CAM_URL: url.origin, REPLICA: name, RATE_PER_SECOND: String(RATE_PER_SECOND), ...env },
        ready: /(\S+) is ready/,
      });
    };
    const stage: Stage = {
      forMs: smoke ? 1_500 : SECONDS * 1_000,
      vendor,
      startReplica: (index, { isFar }) =>
        startCaller(`replica-${index}`, { DATABASE_URL: databaseUrl.href }, isFar),
      startStranger: () => startCaller("stranger", {}),
      cutDatabase: async (forMs) =>
        void (await databaseRelay.ask({ kind: "cut", forMs } satisfies CutQuestion)),
      setDatabaseClock: async (aheadMs) => void (await setDatabaseClock(database, aheadMs)),
    };
    const chosen = SCENARIOS.filter(({ name }) => ONLY === undefined || ONLY.includes(name));
    const scenarios = smoke
      ? SCENARIOS.filter(({ name }) => name === "kill" || name === "bulk").map((scenario) => ({
          ...scenario,
          deadlineMs: 500,
        }))
      : chosen;
    for (const scenario of scenarios) {
      const result = await play(scenario, stage);
      const { forMs } = stage;
      print(
        `${scenario.name}: ${scenario.title}, for ${forMs / 1_000} s (load average ${loadavg()[0]?.toFixed(1)})`,
      );
      const terms = { ratePerSecond: RATE_PER_SECOND, forMs, smoke };
      for (const row of describeResult(scenario, result, terms)) print(`  ${row}`);
    }
  },
};

interface Stage {
  readonly forMs: number;
  readonly vendor: Program;
  readonly startReplica: (index: number, scenario: Scenario) => Promise<Program>;
  readonly startStranger: () => Promise<Program>;
  readonly cutDatabase: (forMs: number) => Promise<void>;
  readonly setDatabaseClock: (aheadMs: number) => Promise<void>;
}

/** Offers the calls to all replicas evenly, like a load balancer. */
async function play(scenario: Scenario, stage: Stage): Promise<Result> {
  const { forMs, vendor } = stage;
  const { incident } = scenario;
  await using parts = new AsyncDisposableStack();
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, (_, index) => stage.startReplica(index, scenario)),
  );
  for (const replica of replicas) parts.use(replica);
  const stranger = incident === "STRANGER" ? parts.use(await stage.startStranger()) : undefined;
  await countsOf(vendor);
  const strangerDone = stranger && offer(stranger, STRANGER, forMs);
  const offered = Promise.allSettled(replicas.map((replica) => offer(replica, scenario, forMs)));
  const afterwards: OfferOutcome[] = [];
  await sleep(forMs * (incident === "KILL" ? 0.5 : 0.3));
  const victim = replicas.at(-1);
  if (incident === "KILL" && victim !== undefined) {
    const killedMs = performance.now();
    process.kill(victim.pid, "SIGKILL");
    const successor = parts.use(await stage.startReplica(REPLICAS - 1, scenario));
    afterwards.push(await offer(successor, scenario, forMs / 2 - (performance.now() - killedMs)));
  } else if (incident === "OUTAGE") {
    await stage.cutDatabase(Math.min(OUTAGE_MS, forMs / 3));
  } else if (incident === "CLOCK_JUMP") {
    await stage.setDatabaseClock(CLOCK_JUMP_MS);
    await sleep(forMs * 0.3);
    await stage.setDatabaseClock(0);
  }
  const settled = await offered;
  await strangerDone;
  const outcomes = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  // Calls in flight of a killed process have no outcome. The vendor has counted them.
  if (outcomes.length < REPLICAS - (incident === "KILL" ? 1 : 0)) throw new Error("A replica has failed.");
  return { counts: await countsOf(vendor), outcomes: [...outcomes, ...afterwards] };
}

const STRANGER = {
  deadlineMs: 5_000,
  callers: [
    {
      name: "stranger",
      callsPerSecond: STRANGERS_PER_SECOND * REPLICAS,
      priority: "interactive" as const,
    },
  ],
};

async function offer(
  replica: Program,
  { deadlineMs, callers, incident }: Pick<Scenario, "deadlineMs" | "callers" | "incident">,
  forMs: number,
): Promise<OfferOutcome> {
  const question: OfferQuestion = {
    kind: "offer",
    forMs,
    deadlineMs,
    stalls: incident === "STALLS",
    // Callers learn of a throttle after their retries.
    drains: incident === "STRANGER",
    callers: callers.map(({ burst = 0, callsPerSecond, ...caller }) => ({
      ...caller,
      callsPerSecond: callsPerSecond / REPLICAS,
      burst: Math.round(burst / REPLICAS),
    })),
  };
  return JSON.parse(await replica.ask<string>(question)) as OfferOutcome;
}

async function countsOf(vendor: Program): Promise<VendorCounts> {
  const question: CountsQuestion = { kind: "counts", action: ACTION };
  return JSON.parse(await vendor.ask<string>(question)) as VendorCounts;
}

function startRelay(port: string, env: Readonly<Record<string, string>> = {}): Promise<Program> {
  return startProgram({
    args: [script("relay")],
    env: { TARGET_PORT: port, ...env },
    ready: /relays on (\d+)/,
  });
}

async function setDatabaseClock(database: Database, aheadMs: number): Promise<void> {
  await sql`create or replace function epoch_ms() returns double precision language plpgsql volatile as ${sql.lit(
    `begin return extract(epoch from clock_timestamp()) * 1000 + ${aheadMs}; end`,
  )}`.execute(database.db);
}

function script(name: string): string {
  return fileURLToPath(new URL(`./quota/${name}.ts`, import.meta.url));
}
