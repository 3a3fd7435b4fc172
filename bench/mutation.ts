import { fileURLToPath } from "node:url";
import type { Bench } from "./support/bench.ts";
import { PacedLoad } from "./support/paced-load.ts";
import { type Program, startProgram } from "./support/program.ts";
import { type Contestant, measureInTurns, ratioOf } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";
import { startGateway } from "./support/start-gateway.ts";
import { LISTENING, startUpstream, type Upstream } from "./support/upstream.ts";

const GATEWAY = "gateway";
const BARE = "bare handler";
const APOLLO = "Apollo and SDK";
const APOLLO_KEEP_ALIVE = "Apollo and SDK, keep-alive";

const QUERY = `mutation SetSubUserMfa($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput) {
  setSubUserMfa(opUin: $opUin, login: $login, action: $action) { requestId resolvedBy subUser { opUin } }
}`;

/** A quarter of what the gateway's quota lets through, so that even a busy machine keeps up and nothing waits. */
const REQUESTS_PER_SECOND = 25;
const CONNECTIONS = 16;
/** So many that no two changes of one user meet: the gateway would let the later wait for the earlier. */
const USERS = 5_000;

export const mutation: Bench = {
  name: "mutation",
  title: `setSubUserMfa over HTTP, one read and one write of CAM each, ${REQUESTS_PER_SECOND} a second`,
  async run({ smoke, profileDir, print }) {
    const [warmUps, requests, rounds] = smoke ? [10, 10, 1] : [750, 25, 40];
    await using parts = new AsyncDisposableStack();
    const upstream = parts.use(await startUpstream());
    const gateway = await startGateway(parts, { upstreamUrl: upstream.url, profileDir });
    const startRival = async (script: string, ...flags: string[]) => {
      const args = [fileURLToPath(new URL(`./contestants/${script}`, import.meta.url)), ...flags];
      const env = { UPSTREAM_URL: upstream.url };
      return parts.use(await startProgram({ args, env, ready: LISTENING }));
    };
    const served: readonly Served[] = [
      { name: BARE, program: await startRival("bare-handler.ts"), bodyOf: JSON.stringify },
      { name: GATEWAY, program: gateway, bodyOf: operation },
      { name: APOLLO, program: await startRival("apollo-with-sdk.ts"), bodyOf: operation },
      {
        name: APOLLO_KEEP_ALIVE,
        program: await startRival("apollo-with-sdk.ts", "--keep-alive"),
        bodyOf: operation,
      },
    ];
    const contestants = served.map((one) => new Serving(one, requests, upstream));
    for (const contestant of contestants) parts.use(contestant);
    await Promise.all(contestants.map((contestant) => contestant.warmUp(warmUps)));

    const series = await measureInTurns(contestants, rounds);
    for (const one of series) print(figureRow(one, "us CPU a request"));
    print(ratioRow(ratioOf(series, GATEWAY, BARE), { atMost: 2.5 }, { smoke }));
    print(ratioRow(ratioOf(series, GATEWAY, APOLLO), { atMost: 0.5 }, { smoke }));
    print(ratioRow(ratioOf(series, GATEWAY, APOLLO_KEEP_ALIVE)));
    // How near to the target above a program could come that does nothing but talk HTTP to both sides.
    print(ratioRow(ratioOf(series, BARE, APOLLO)));
  },
};

interface Served {
  readonly name: string;
  readonly program: Program;
  /** Writes a change in the program's own form. */
  readonly bodyOf: (change: object) => string;
}

function operation(variables: object): string {
  return JSON.stringify({ query: QUERY, variables });
}

/** A program under load: the CPU time in microseconds that it spends on one request. */
class Serving implements Contestant, AsyncDisposable {
  readonly name: string;
  readonly #program: Program;
  readonly #load: PacedLoad;
  readonly #requests: number;
  readonly #upstream: Upstream;

  constructor({ name, program, bodyOf }: Served, requests: number, upstream: Upstream) {
    let sent = 0;
    this.name = name;
    this.#program = program;
    this.#requests = requests;
    this.#upstream = upstream;
    this.#load = new PacedLoad({
      url: program.told,
      requestsPerSecond: REQUESTS_PER_SECOND,
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

  #countCalls(): Promise<number[]> {
    const actions = ["DescribeSafeAuthFlagColl", "SetMfaFlag"];
    return Promise.all(actions.map((action) => this.#upstream.calls(action)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#load[Symbol.asyncDispose]();
  }
}

/** Neither protection is given whole, so that each has to be filled up from what the read says. */
function changeOf(user: number): object {
  return {
    opUin: String(100_000_000_000 + user),
    login: { phone: true, stoken: false },
    action: { phone: true },
  };
}
