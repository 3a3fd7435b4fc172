import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { migrate } from "../src/database/migrate.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../src/package-paths.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import type { OfferedBy, OfferOutcome, OfferQuestion } from "./quota/replica.ts";
import type { CountsQuestion, VendorCounts } from "./quota/vendor.ts";
import type { Bench } from "./support/bench.ts";
import { type Program, startProgram } from "./support/program.ts";
import { verdict } from "./support/rows.ts";
import { LISTENING } from "./support/upstream.ts";

const LIMIT = 20;
const REPLICAS = 3;
const OFFERED_PER_SECOND = 60;
const DEADLINE_MS = 5_000;

/** One asks for half of all, five share the rest. A fair share is less than what any of them asks for. */
const CALLERS: readonly OfferedBy[] = [
  { name: "greedy", callsPerSecond: OFFERED_PER_SECOND / 2, priority: "interactive" },
  ...["a", "b", "c", "d", "e"].map((name) => ({
    name,
    callsPerSecond: OFFERED_PER_SECOND / 10,
    priority: "interactive" as const,
  })),
];

interface Scenario {
  readonly title: string;
  readonly callers: readonly OfferedBy[];
  readonly deadlineMs: number;
  /** Kills the last replica in the middle, and starts it again. */
  readonly kill?: boolean;
  readonly isFair?: boolean;
  readonly judgesWaits?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { title: "steady", callers: CALLERS, deadlineMs: DEADLINE_MS, isFair: true },
  {
    title: "one process killed and started again mid-way",
    callers: CALLERS,
    deadlineMs: DEADLINE_MS,
    kill: true,
    isFair: true,
  },
  {
    title: "200 more at once mid-way",
    callers: CALLERS.map((caller) => (caller.name === "a" ? { ...caller, burst: 200 } : caller)),
    deadlineMs: DEADLINE_MS,
    isFair: true,
  },
  {
    title: "bulk saturates, people call 4 times a second",
    callers: [
      { name: "rollout", callsPerSecond: OFFERED_PER_SECOND, priority: "bulk" },
      ...["a", "b"].map((name) => ({ name, callsPerSecond: 2, priority: "interactive" as const })),
    ],
    deadlineMs: 15_000,
    judgesWaits: true,
  },
];

export const quota: Bench = {
  name: "quota",
  title: `${REPLICAS} processes on one PostgreSQL, ${OFFERED_PER_SECOND} calls a second offered where CAM takes ${LIMIT}`,
  async run({ smoke, print }) {
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    await migrateAt(postgres.url);
    const vendor = parts.use(await startProgram({ args: [path("vendor.ts")], ready: LISTENING }));
    const startReplica = async (name: string) =>
      startProgram({
        args: [path("replica.ts")],
        env: { DATABASE_URL: postgres.url, CAM_URL: vendor.told, REPLICA: name },
        ready: LISTENING,
      });
    const forMs = smoke ? 2_000 : Number(process.env["SECONDS"] ?? 60) * 1_000;
    const only = process.env["SCENARIO"];
    for (const scenario of SCENARIOS.filter(({ title }) => only === undefined || title.includes(only))) {
      const result = await play(scenario, { forMs, vendor, startReplica });
      for (const row of describeResult(scenario, result, forMs, smoke)) print(row);
    }
  },
};

interface Stage {
  readonly forMs: number;
  readonly vendor: Program;
  readonly startReplica: (name: string) => Promise<Program>;
}

interface Result {
  readonly counts: VendorCounts;
  readonly outcomes: readonly OfferOutcome[];
}

async function play(scenario: Scenario, { forMs, vendor, startReplica }: Stage): Promise<Result> {
  await using parts = new AsyncDisposableStack();
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, (_, index) => startReplica(`r${index}`)),
  );
  for (const replica of replicas) parts.use(replica);
  const offer = async (replica: Program, offerForMs: number): Promise<OfferOutcome> => {
    const question: OfferQuestion = {
      kind: "offer",
      forMs: offerForMs,
      deadlineMs: scenario.deadlineMs,
      callers: scenario.callers.map(({ burst, callsPerSecond, ...caller }) => ({
        ...caller,
        callsPerSecond: callsPerSecond / REPLICAS,
        ...(burst === undefined ? {} : { burst: Math.round(burst / REPLICAS) }),
      })),
    };
    return JSON.parse(await replica.ask<string>(question)) as OfferOutcome;
  };
  await countsOf(vendor);
  const offering = replicas.map((replica) => offer(replica, forMs));
  // What was under way in a process that is killed has no outcome.
  const settled = Promise.allSettled(offering);
  const later: OfferOutcome[] = [];
  if (scenario.kill) {
    await sleep(forMs / 2);
    const killedMs = performance.now();
    process.kill(replicas[REPLICAS - 1]?.pid ?? 0, "SIGKILL");
    const again = parts.use(await startReplica(`r${REPLICAS - 1}`));
    later.push(await offer(again, forMs / 2 - (performance.now() - killedMs)));
  }
  const outcomes = (await settled).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  return { counts: await countsOf(vendor), outcomes: [...outcomes, ...later] };
}

function describeResult(
  scenario: Scenario,
  { counts, outcomes }: Result,
  forMs: number,
  smoke: boolean,
): string[] {
  // The start, whose first calls find an empty window, and the queues that are worked off at the end do not count.
  const startMs = (counts.arrivals[0]?.atMs ?? 0) + 1_100;
  const endMs = startMs + forMs - 1_100;
  const steady = counts.arrivals.filter(({ atMs }) => atMs >= startMs && atMs < endMs);
  const perSecond = (steady.length / (endMs - startMs)) * 1_000;
  const byCaller = new Map<string, number>();
  for (const { caller } of steady) byCaller.set(caller, (byCaller.get(caller) ?? 0) + 1);
  const all = <Value>(of: (outcome: OfferOutcome) => readonly Value[]) => outcomes.flatMap(of);
  const sum = (of: (outcome: OfferOutcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  const succeeded = sum((one) => one.succeeded);
  const waits = all((one) => one.interactiveWaitsMs);
  const refusals = all((one) => one.refusedAfterMs);
  const missed = all((one) => one.missed);
  return [
    `${scenario.title} (load average ${loadavg()[0]?.toFixed(1)})`,
    `  received ${counts.received}, accepted ${counts.accepted}, peak ${counts.peakPerSecond} in a second`,
    `  throttled                  ${counts.throttled}  ${verdict(counts.throttled, { atMost: 0 }, smoke)}`,
    `  used ${((perSecond / LIMIT) * 100).toFixed(1)} %; ${[...byCaller].map(([name, count]) => `${name} ${((count / steady.length) * byCaller.size * 100).toFixed(0)} %`).join(", ")}`,
    `  waits p50 ${quantile(waits, 0.5)} p95 ${quantile(waits, 0.95)} max ${quantile(waits, 1)}; refused ${refusals.length} (${refusals.filter((ms) => ms > 20).length} later than 20 ms) after p50 ${quantile(refusals, 0.5)} p99 ${quantile(refusals, 0.99)} max ${quantile(refusals, 1)}`,
    `  asked ${sum((one) => one.asked)} granted ${sum((one) => one.granted)} per success ${(sum((one) => one.asked) / succeeded).toFixed(2)}; missed ${missed.length} (${missed
      .slice(0, 10)
      .map((ms) => ms.toFixed(0))
      .join(" ")}) throttles reported ${sum((one) => one.throttleReports)}`,
    `  ahead p10 ${quantile(
      all((one) => one.answers.map((a) => a.aheadMs)),
      0.1,
    )} p50 ${quantile(
      all((one) => one.answers.map((a) => a.aheadMs)),
      0.5,
    )} p90 ${quantile(
      all((one) => one.answers.map((a) => a.aheadMs)),
      0.9,
    )} took p50 ${quantile(
      all((one) => one.answers.map((a) => a.tookMs)),
      0.5,
    )} p90 ${quantile(
      all((one) => one.answers.map((a) => a.tookMs)),
      0.9,
    )} window p50 ${quantile(
      all((one) => one.answers.map((a) => a.windowMs)),
      0.5,
    )}`,
    `  ${JSON.stringify(outcomes.map((one) => one.otherErrors))}`,
  ];
}

function quantile(figures: readonly number[], part: number): string {
  const sorted = figures.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1);
}

async function countsOf(vendor: Program): Promise<VendorCounts> {
  const question: CountsQuestion = { kind: "counts" };
  return JSON.parse(await vendor.ask<string>(question)) as VendorCounts;
}

async function migrateAt(url: string): Promise<void> {
  const database = await openPostgres({ url });
  await migrate(database, MIGRATIONS_DIR);
  await database.close();
}

function path(program: string): string {
  return fileURLToPath(new URL(`./quota/${program}`, import.meta.url));
}
