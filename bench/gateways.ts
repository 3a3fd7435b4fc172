import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startPostgres } from "../test/support/start-postgres.ts";
import { changePhone, seedUsers, serverEnv } from "./changes/change-load.ts";
import type { CountsQuestion, VendorCounts } from "./quota/vendor.ts";
import type { Bench } from "./support/bench.ts";
import { GATEWAY_MAIN } from "./support/build-gateway.ts";
import { type Program, startBareProgram, startProgram } from "./support/program.ts";
import { verdict } from "./support/rows.ts";
import { LISTENING } from "./support/upstream.ts";

const LIMIT = 20;
const GATEWAYS = 3;
const OFFERED_PER_SECOND = 60;
/** Enough users that each is changed once: a second change may have nothing to write. */
const USERS = 4_000;
/** Warm-up, in milliseconds: the first changes wait for their reads, so the quota of writes is not fully used. */
const START_MS = 3_000;

/** Measures the quota in whole gateways, where each change takes one slot to read and one to write. */
export const gateways: Bench = {
  name: "gateways",
  title: `${GATEWAYS} gateways that share one PostgreSQL, offered ${OFFERED_PER_SECOND} changes a second, in front of a CAM that accepts ${LIMIT}`,
  async run({ smoke, print }) {
    const forMs = smoke ? 2_000 : 60_000;
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres();
    parts.defer(() => postgres.stop());
    const script = fileURLToPath(new URL("./quota/vendor.ts", import.meta.url));
    const vendor = parts.use(
      await startProgram({ args: [script], env: { USERS: String(USERS) }, ready: LISTENING }),
    );
    const env = {
      ...serverEnv(vendor.told, postgres.url),
      CAM_RATE_PER_SECOND: String(LIMIT),
      // A scan would use slots too.
      DIRECTORY_SCAN_INTERVAL: "off",
      CAM_DEADLINE_MS: smoke ? "1000" : "15000",
      CAM_TIMEOUT_MS: smoke ? "1000" : "5000",
    };
    const running = await Promise.all(
      Array.from({ length: GATEWAYS }, (_, index) =>
        startBareProgram({
          args: [GATEWAY_MAIN, "serve", "--local"],
          env: { ...env, REPLICA: `gateway-${index}` },
          ready: /GraphQL +(http:\S+)/,
        }),
      ),
    );
    for (const gateway of running) parts.use(gateway);

    const codes = await offer(running, forMs);
    for (const action of ["DescribeSafeAuthFlagColl", "SetMfaFlag"]) {
      const counts = await countsOf(vendor, action);
      const used = usedPercent(counts, forMs);
      print(
        `${action}: ${counts.throttled} of ${counts.received} throttled, ${verdict(counts.throttled, { atMost: 0 }, smoke)}`,
      );
      print(`${action}: ${used.toFixed(1)} % of the limit used, ${verdict(used, { atLeast: 95 }, smoke)}`);
    }
    print(`outcomes: ${JSON.stringify(codes)}`);
  },
};

/** Changes one user after another, on each gateway in turn. @returns the number of changes by outcome. */
async function offer(running: readonly Program[], forMs: number): Promise<Record<string, number>> {
  const codes: Record<string, number> = {};
  const pending: Promise<void>[] = [];
  const firstUin = Number(seedUsers(1).users[0]?.uin);
  const startMs = performance.now();
  for (let number = 0; ; number++) {
    const dueMs = startMs + (number * 1_000) / OFFERED_PER_SECOND;
    if (dueMs >= startMs + forMs) break;
    await sleep(Math.max(0, dueMs - performance.now()));
    const gateway = running[number % running.length];
    const change = {
      opUin: String(firstUin + (number % USERS)),
      on: number % (2 * USERS) < USERS,
      requestId: `n-${number}`,
    };
    pending.push(
      changePhone(gateway?.told ?? "", change).then(({ code = "applied" }) => {
        codes[code] = (codes[code] ?? 0) + 1;
      }),
    );
  }
  await Promise.all(pending);
  return codes;
}

async function countsOf(vendor: Program, action: string): Promise<VendorCounts> {
  const question: CountsQuestion = { kind: "counts", action, goOn: true };
  return JSON.parse(await vendor.ask<string>(question)) as VendorCounts;
}

/** Changes that are still queued at the end finish later and do not count. */
function usedPercent({ arrivals }: VendorCounts, forMs: number): number {
  const fromMs = (arrivals[0]?.atMs ?? 0) + START_MS;
  const overMs = forMs - START_MS;
  const steady = arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + overMs).length;
  return (100 * steady * 1_000) / overMs / LIMIT;
}
