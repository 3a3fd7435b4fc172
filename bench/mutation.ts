import { fileURLToPath } from "node:url";
import type { Bench } from "./support/bench.ts";
import { accountName, CAM_CALLS_PER_SECOND } from "./support/fleet-accounts.ts";
import { startProgram } from "./support/program.ts";
import { joinSeries, measureInTurns, ratioOf, type Series } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";
import { ACCOUNTS, CONNECTIONS, operation, operationIn, type Served, Serving } from "./support/serving.ts";
import { startGateway } from "./support/start-gateway.ts";
import { LISTENING, startUpstream } from "./support/upstream.ts";

const GATEWAY = "gateway";
const RECORDED = "with record on PostgreSQL";
const BARE = "bare handler";
const APOLLO = "Apollo and SDK";

export const mutation: Bench = {
  name: "mutation",
  title: `setSubUserMfa over HTTP, one read and one write of CAM each, ${CONNECTIONS} at a time`,
  async run({ smoke, profileDir, print }) {
    const [starts, warmUps, requests, rounds] = smoke ? [1, 20, 20, 1] : [2, 1_500, 200, 8];
    const measurements: Series[][] = [];
    for (let start = 0; start < starts; start++) {
      measurements.push(await measureOnce({ warmUps, requests, rounds, profileDir }));
    }
    const series = joinSeries(measurements);
    for (const one of series) print(figureRow(one, "us CPU a request"));
    print(ratioRow(ratioOf(series, GATEWAY, BARE), { atMost: 2.5 }, { smoke }));
    print(ratioRow(ratioOf(series, GATEWAY, APOLLO), { atMost: 0.5 }, { smoke }));
    for (const [above, below] of [
      [RECORDED, GATEWAY],
      [RECORDED, APOLLO],
      // The lower bound of the target above: a program that only handles HTTP on both sides.
      [BARE, APOLLO],
    ] as const) {
      print(ratioRow(ratioOf(series, above, below)));
    }
  },
};

interface Effort {
  readonly warmUps: number;
  readonly requests: number;
  readonly rounds: number;
  readonly profileDir: string | undefined;
}

/** Measures with new processes, because memory layout and compiled code change each figure by up to a tenth. */
async function measureOnce({ warmUps, requests, rounds, profileDir }: Effort): Promise<Series[]> {
  await using parts = new AsyncDisposableStack();
  const upstream = parts.use(await startUpstream());
  const startRival = async (script: string) => {
    const args = [fileURLToPath(new URL(`./contestants/${script}`, import.meta.url))];
    return parts.use(await startProgram({ args, env: upstream.env, ready: LISTENING }));
  };
  const recorded = await startGateway(parts, {
    ...{ upstream, profileDir, accounts: ACCOUNTS, ratePerSecond: CAM_CALLS_PER_SECOND },
  });
  let inAccounts = 0;
  const served: readonly Served[] = [
    { name: BARE, program: await startRival("bare-handler.ts"), bodyOf: JSON.stringify },
    { name: GATEWAY, program: await startRival("gateway-without-record.ts"), bodyOf: operation },
    {
      name: RECORDED,
      program: recorded,
      bodyOf: (change) => operationIn(accountName(inAccounts++ % ACCOUNTS), change),
    },
    { name: APOLLO, program: await startRival("apollo-with-sdk.ts"), bodyOf: operation },
  ];
  const contestants = served.map((one) => parts.use(new Serving(one, requests, upstream)));
  for (const contestant of contestants) await contestant.warmUp(warmUps);
  return await measureInTurns(contestants, rounds);
}
