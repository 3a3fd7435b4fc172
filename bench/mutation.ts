import { fileURLToPath } from "node:url";
import type { Bench } from "./support/bench.ts";
import { accountName, CAM_CALLS_PER_SECOND } from "./support/fleet-accounts.ts";
import { type Program, startProgram } from "./support/program.ts";
import { type Contestant, joinSeries, measureInTurns, ratioOf, type Series } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";
import { SaturatingLoad } from "./support/saturating-load.ts";
import { startGateway } from "./support/start-gateway.ts";
import { LISTENING, startUpstream, type Upstream } from "./support/upstream.ts";

const GATEWAY = "gateway";
const RECORDED = "with record on PostgreSQL";
const BARE = "bare handler";
const APOLLO = "Apollo and SDK";

const QUERY = `mutation SetSubUserMfa($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput) {
  setSubUserMfa(opUin: $opUin, login: $login, action: $action) { requestId resolvedBy subUser { opUin } }
}`;

const CONNECTIONS = 16;
/** Enough accounts that none reaches CAM's limit, which would measure the wait for slots. */
const ACCOUNTS = 50;
/** Enough users that two changes of one user never overlap; the gateway would serialise them. */
const USERS = 5_000;
/** Above the two protected Uins, which the gateway does not change. */
const FIRST_UIN = 200_000_000_000;

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

interface Served {
  readonly name: string;
  readonly program: Program;
  /** Writes a change in the program's own form. */
  readonly bodyOf: (change: object) => string;
}

function operation(variables: object): string {
  return JSON.stringify({ query: QUERY, variables });
}

function operationIn(account: string, variables: object): string {
  const query = QUERY.replace("(opUin: $opUin", `(account: "${account}", opUin: $opUin`);
  return JSON.stringify({ query, variables });
}

/** A program under load: the CPU time in microseconds that it spends on one request. */
class Serving implements Contestant, AsyncDisposable {
  readonly name: string;
  readonly #program: Program;
  readonly #load: SaturatingLoad;
  readonly #requests: number;
  readonly #upstream: Upstream;

  constructor({ name, program, bodyOf }: Served, requests: number, upstream: Upstream) {
    let sent = 0;
    this.name = name;
    this.#program = program;
    this.#requests = requests;
    this.#upstream = upstream;
    this.#load = new SaturatingLoad({
      url: program.told,
      connections: CONNECTIONS,
      nextBody: () => bodyOf(changeOf(sent++ % USERS)),
      check: (reply) => {
        if (!reply.includes('"resolvedBy":"REPLY"')) throw new Error(`${name} answered ${reply}`);
      },
    });
  }

  warmUp(requests: number): Promise<void> {
    return this.#load.send(requests);
  }

  async measure(): Promise<number> {
    const callsBefore = await this.#countCalls();
    const cpuBefore = await this.#program.cpuMicroseconds();
    await this.#load.send(this.#requests);
    const cpuAfter = await this.#program.cpuMicroseconds();
    const calls = (await this.#countCalls()).map((count, index) => count - (callsBefore[index] ?? 0));
    if (calls.some((count) => count !== this.#requests)) {
      throw new Error(
        `${this.name} made ${calls.join(" reads and ")} writes for ${this.#requests} requests.`,
      );
    }
    return (cpuAfter - cpuBefore) / this.#requests;
  }

  async #countCalls(): Promise<number[]> {
    const reads = await this.#upstream.calls("DescribeSafeAuthFlagColl");
    return [reads, await this.#upstream.calls("SetMfaFlag")];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#load[Symbol.asyncDispose]();
  }
}

/** Both protections are incomplete, so that the gateway completes each from the before-image. */
function changeOf(user: number): object {
  return {
    opUin: String(FIRST_UIN + user),
    login: { phone: true, stoken: false },
    action: { phone: true },
  };
}
