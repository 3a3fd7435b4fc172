import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { migrate } from "../src/database/migrate.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../src/gateway/package-paths.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import { describeResult, type Result } from "./quota/describe-result.ts";
import type { OfferOutcome, OfferQuestion } from "./quota/offer.ts";
import { SCENARIOS, type Scenario } from "./quota/scenarios.ts";
import type { CountsQuestion, VendorCounts } from "./quota/vendor.ts";
import type { Bench } from "./support/bench.ts";
import { type Program, startProgram } from "./support/program.ts";
import { LISTENING } from "./support/upstream.ts";

const LIMIT = 20;
const ACTION = "DescribeSafeAuthFlagColl";
const REPLICAS = 3;
/** Less tells little: the guard of the window alone is a fortieth. */
const SECONDS = Number(process.env["SECONDS"] ?? 60);

export const quota: Bench = {
  name: "quota",
  title: `${REPLICAS} processes that share one PostgreSQL, and a CAM that takes ${LIMIT} calls a second of an action`,
  async run({ smoke, print }) {
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    await migrateAt(postgres.url);
    const vendor = parts.use(await startProgram({ args: [script("vendor")], ready: LISTENING }));
    const startReplica = (index: number) =>
      startProgram({
        args: [script("replica")],
        env: {
          DATABASE_URL: postgres.url,
          CAM_URL: vendor.told,
          REPLICA: `replica-${index}`,
          LIMIT: String(LIMIT),
        },
        ready: /(\S+) is ready/,
      });
    const short = SCENARIOS.filter(({ kills, judges }) => kills || judges === "waits");
    const scenarios = smoke ? short.map((scenario) => ({ ...scenario, deadlineMs: 500 })) : SCENARIOS;
    for (const scenario of scenarios) {
      const forMs = smoke ? 1_500 : SECONDS * 1_000;
      const result = await play(scenario, { forMs, vendor, startReplica });
      print(`${scenario.title}, for ${forMs / 1_000} s (load average ${loadavg()[0]?.toFixed(1)})`);
      for (const row of describeResult(scenario, result, { limit: LIMIT, forMs, smoke })) print(`  ${row}`);
    }
  },
};

interface Stage {
  readonly forMs: number;
  readonly vendor: Program;
  readonly startReplica: (index: number) => Promise<Program>;
}

/** Offers the calls to all replicas alike, as a load balancer would. */
async function play(scenario: Scenario, { forMs, vendor, startReplica }: Stage): Promise<Result> {
  await using parts = new AsyncDisposableStack();
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, (_, index) => startReplica(index)));
  for (const replica of replicas) parts.use(replica);
  const offer = async (replica: Program, offerForMs: number): Promise<OfferOutcome> => {
    const question: OfferQuestion = {
      kind: "offer",
      forMs: offerForMs,
      deadlineMs: scenario.deadlineMs,
      callers: scenario.callers.map(({ burst = 0, callsPerSecond, ...caller }) => ({
        ...caller,
        callsPerSecond: callsPerSecond / REPLICAS,
        burst: Math.round(burst / REPLICAS),
      })),
    };
    return JSON.parse(await replica.ask<string>(question)) as OfferOutcome;
  };
  await countsOf(vendor);
  const offered = Promise.allSettled(replicas.map((replica) => offer(replica, forMs)));
  const afterwards: OfferOutcome[] = [];
  const victim = replicas.at(-1);
  if (scenario.kills && victim !== undefined) {
    await sleep(forMs / 2);
    const killedMs = performance.now();
    process.kill(victim.pid, "SIGKILL");
    const successor = parts.use(await startReplica(REPLICAS - 1));
    afterwards.push(await offer(successor, forMs / 2 - (performance.now() - killedMs)));
  }
  const settled = await offered;
  const outcomes = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  // What was under way in a process that was killed has no outcome; the vendor has counted it.
  if (outcomes.length < REPLICAS - (scenario.kills ? 1 : 0)) throw new Error("A replica has failed.");
  return { counts: await countsOf(vendor), outcomes: [...outcomes, ...afterwards] };
}

async function countsOf(vendor: Program): Promise<VendorCounts> {
  const question: CountsQuestion = { kind: "counts", action: ACTION };
  return JSON.parse(await vendor.ask<string>(question)) as VendorCounts;
}

async function migrateAt(url: string): Promise<void> {
  const database = await openPostgres({ url });
  await migrate(database, MIGRATIONS_DIR);
  await database.close();
}

function script(name: string): string {
  return fileURLToPath(new URL(`./quota/${name}.ts`, import.meta.url));
}
