import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { startPostgres } from "../test/support/start-postgres.ts";
import { type LoadResult, PacedLoad } from "./fleet/paced-load.ts";
import { PostgresCosts } from "./fleet/postgres-costs.ts";
import type { Bench } from "./support/bench.ts";
import { createIssuer } from "./support/create-issuer.ts";
import { accountName, CAM_CALLS_PER_SECOND } from "./support/fleet-accounts.ts";
import { startProgram } from "./support/program.ts";
import { median } from "./support/rounds.ts";
import { verdict } from "./support/rows.ts";
import { startGateway } from "./support/start-gateway.ts";
import { LISTENING, startUpstream } from "./support/upstream.ts";

const ACCOUNTS = 25;
/** Enough users of an account that a change never finds the recent writes of its user. */
const USERS = 5_000;
const FIRST_UIN = 200_000_000_000;

/** The record reaches the disk, as in production. */
const DURABLE = [
  ...["fsync=on", "synchronous_commit=on", "full_page_writes=on"],
  "shared_preload_libraries=pg_stat_statements",
];

const QUERY = `mutation SetSubUserMfa($account: String, $opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput) {
  setSubUserMfa(account: $account, opUin: $opUin, login: $login, action: $action) { requestId resolvedBy subUser { opUin } }
}`;

/** Measures one gateway with many accounts, each at CAM's limit, and a durable record. */
export const fleet: Bench = {
  name: "fleet",
  title: `${ACCOUNTS} accounts at ${CAM_CALLS_PER_SECOND} changes a second each, ${ACCOUNTS} at a time, PostgreSQL on disk`,
  async run({ smoke, profileDir, print }) {
    const [warmUpMs, forMs, rounds] = smoke ? [500, 1_000, 1] : [4_000, 8_000, 3];
    await using parts = new AsyncDisposableStack();
    const postgres = await startPostgres(DURABLE);
    parts.defer(() => postgres.stop());
    const costs = parts.use(await PostgresCosts.open(postgres.url));
    const upstream = parts.use(await startUpstream());
    const issuer = await createIssuer(parts);
    const gateway = await startGateway(parts, {
      ...{ upstream, profileDir, issuer, accounts: ACCOUNTS, databaseUrl: postgres.url },
      ratePerSecond: CAM_CALLS_PER_SECOND,
      env: { CALLER_RATE_PER_SECOND: "0", BULK_GUARD_USERS: "1000000" },
    });
    const rivalScript = fileURLToPath(new URL("./contestants/apollo-with-sdk.ts", import.meta.url));
    const rival = parts.use(await startProgram({ args: [rivalScript], env: upstream.env, ready: LISTENING }));
    const tokens = await Promise.all(
      Array.from({ length: ACCOUNTS }, (_, lane) => issuer.sign(`caller-${lane}`)),
    );
    const load = (url: string, callers: number) =>
      parts.use(
        new PacedLoad({
          ...{ url, lanes: ACCOUNTS, perSecond: CAM_CALLS_PER_SECOND },
          bodyOf: ({ lane, number }) =>
            JSON.stringify({
              query: url === rival.told ? QUERY.replaceAll(/\$?account: \$?(String|account), /g, "") : QUERY,
              // Each load has users of its own, because a second change within a minute needs the record of the first.
              variables: changeOf(lane, number + (callers === 1 ? USERS / 2 : 0)),
            }),
          headersOf: ({ lane }) => ({ authorization: `Bearer ${tokens[lane % callers]}` }),
        }),
      );
    const apollo: Measured[] = [];
    const rivalLoad = load(rival.told, ACCOUNTS);
    await rivalLoad.run(warmUpMs);
    for (const callers of [ACCOUNTS, 1]) {
      const gatewayLoad = load(gateway.told, callers);
      await gatewayLoad.run(warmUpMs);
      await costs.restartStatements();
      const throttlesBefore = await upstream.throttles();
      const own: Measured[] = [];
      for (let round = 0; round < rounds; round++) {
        own.push(await measure(gatewayLoad, forMs, gateway, costs));
        apollo.push(await measure(rivalLoad, forMs / 2, rival, costs));
      }
      const title = callers === 1 ? "one caller, with the bulk guard" : `${callers} callers`;
      print(`${title} (load average ${loadavg()[0]?.toFixed(1)})`);
      const figures = [
        row("changes a second", own, ({ result }) => result.perSecond, { atLeast: 450 }, smoke),
        row("gateway, ms CPU a change", own, ({ processMs }) => processMs),
        row("PostgreSQL, ms CPU a change", own, ({ postgresMs }) => postgresMs),
        row("both, ms CPU a change", own, (one) => one.processMs + one.postgresMs, { atMost: 2.5 }, smoke),
        row("Apollo and SDK, ms CPU a change", apollo, ({ processMs }) => processMs),
        row(
          "gateway / Apollo and SDK, times",
          own,
          ({ processMs }) => processMs / median(apollo.map((one) => one.processMs)),
          { atMost: 1 },
          smoke,
        ),
        row("latency, median ms", own, ({ result }) => median(result.latenciesMs)),
      ];
      for (const figure of figures) print(`  ${figure}`);
      const throttles = (await upstream.throttles()) - throttlesBefore;
      print(`  ${"throttled by CAM".padEnd(36)} ${throttles}  ${verdict(throttles, { atMost: 0 }, smoke)}`);
      const failures = own.flatMap(({ result }) => result.failures);
      if (failures.length > 0) print(`  ${failures.length} changes failed, such as: ${failures[0]}`);
      for (const { name, calls, meanMs } of await costs.statements(8)) {
        print(`  ${meanMs.toFixed(2).padStart(8)} ms mean, ${String(calls).padStart(6)} times: ${name}`);
      }
    }
  },
};

interface Measured {
  readonly result: LoadResult;
  readonly processMs: number;
  readonly postgresMs: number;
}

interface UsesCpu {
  cpuMicroseconds(): Promise<number>;
}

async function measure(
  load: PacedLoad,
  forMs: number,
  program: UsesCpu,
  postgres: UsesCpu,
): Promise<Measured> {
  const before = await Promise.all([program.cpuMicroseconds(), postgres.cpuMicroseconds()]);
  const result = await load.run(forMs);
  const after = await Promise.all([program.cpuMicroseconds(), postgres.cpuMicroseconds()]);
  const [processMs = 0, postgresMs = 0] = after.map(
    (cpu, index) => (cpu - (before[index] ?? 0)) / 1_000 / result.count,
  );
  return { result, processMs, postgresMs };
}

function row(
  name: string,
  measured: readonly Measured[],
  figureOf: (one: Measured) => number,
  target?: Parameters<typeof verdict>[1],
  smoke = false,
): string {
  const figures = measured.map(figureOf);
  const figure = median(figures);
  const [least, most] = [Math.min(...figures), Math.max(...figures)].map((one) => one.toFixed(2));
  const judged = target === undefined ? "" : `  ${verdict(figure, target, smoke)}`;
  return `${name.padEnd(36)} ${figure.toFixed(2).padStart(8)} (${least} to ${most})${judged}`;
}

/** Both protections are incomplete, so that the gateway completes each from the before-image. */
function changeOf(lane: number, number: number): object {
  return {
    account: accountName(lane),
    opUin: String(FIRST_UIN + lane * USERS + (number % USERS)),
    login: { phone: true, stoken: false },
    action: { phone: true },
  };
}
