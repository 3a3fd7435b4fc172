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

/** Below the gateway's own limit, and below what the slowest of them can do on one core. */
const REQUESTS_PER_SECOND = 250;
const CONNECTIONS = 16;
/** So many that no two changes of one user meet: the gateway would let the later wait for the earlier. */
const USERS = 5_000;

export const mutation: Bench = {
  name: "mutation",
  title: `setSubUserMfa over HTTP, one read and one write of CAM each, ${REQUESTS_PER_SECOND} a second`,
  async run({ smoke, profileDir, print }) {
    const [warmUps, requests, rounds] = smoke ? [20, 20, 1] : [3_000, 150, 40];
    await using parts = new AsyncDisposableStack();
    const upstream = parts.use(await startUpstream());
    const start = async (name: string, starting: Promise<Program>, bodyOf: BodyOf) => {
      const program = parts.use(await starting);
      const load = parts.use(createLoad(program.told, bodyOf));
      await load.send(warmUps);
      return toContestant({ name, program, load, requests, upstream });
    };
    const contestants = await Promise.all([
      start(BARE, startRival("bare-handler.ts", upstream), JSON.stringify),
      start(GATEWAY, startGateway({ upstreamUrl: upstream.url, profileDir }), operation),
      start(APOLLO, startRival("apollo-with-sdk.ts", upstream), operation),
      start(APOLLO_KEEP_ALIVE, startRival("apollo-with-sdk.ts", upstream, "--keep-alive"), operation),
    ]);
    const series = await measureInTurns(contestants, rounds);
    for (const one of series) print(figureRow(one, "us CPU a request"));
    print(ratioRow(ratioOf(series, GATEWAY, BARE), { atMost: 2.5 }, { smoke }));
    print(ratioRow(ratioOf(series, GATEWAY, APOLLO), { atMost: 0.5 }, { smoke }));
    print(ratioRow(ratioOf(series, GATEWAY, APOLLO_KEEP_ALIVE)));
    // How near to the second target anybody could come who talks HTTP to both sides.
    print(ratioRow(ratioOf(series, BARE, APOLLO)));
  },
};

type BodyOf = (change: object) => string;

function operation(variables: object): string {
  return JSON.stringify({ query: QUERY, variables });
}

function startRival(script: string, upstream: Upstream, ...flags: string[]): Promise<Program> {
  const path = fileURLToPath(new URL(`./contestants/${script}`, import.meta.url));
  return startProgram({ args: [path, ...flags], env: { UPSTREAM_URL: upstream.url }, ready: LISTENING });
}

function createLoad(url: string, bodyOf: BodyOf): PacedLoad {
  let sent = 0;
  return new PacedLoad({
    url,
    requestsPerSecond: REQUESTS_PER_SECOND,
    connections: CONNECTIONS,
    // Neither protection is given whole, so that each has to be filled up from what the read said.
    nextBody: () =>
      bodyOf({
        opUin: String(100_000_000_000 + (sent++ % USERS)),
        login: { phone: true, stoken: false },
        action: { phone: true },
      }),
    check: (reply) => {
      if (!reply.includes('"resolvedBy":"REPLY"')) throw new Error(`Not what was asked for: ${reply}`);
    },
  });
}

interface Measured {
  readonly name: string;
  readonly program: Program;
  readonly load: PacedLoad;
  readonly requests: number;
  readonly upstream: Upstream;
}

/** A round: so many requests, and the CPU time that the program spent on one. */
function toContestant({ name, program, load, requests, upstream }: Measured): Contestant {
  const callCounts = () =>
    Promise.all(["DescribeSafeAuthFlagColl", "SetMfaFlag"].map((action) => upstream.calls(action)));
  const measure = async () => {
    const callsBefore = await callCounts();
    const cpuBefore = await program.cpuMicroseconds();
    await load.send(requests);
    const cpuAfter = await program.cpuMicroseconds();
    const calls = (await callCounts()).map((count, index) => count - (callsBefore[index] ?? 0));
    if (calls.some((count) => count !== requests)) {
      throw new Error(`${name} made ${calls.join(" reads and ")} writes for ${requests} requests.`);
    }
    return (cpuAfter - cpuBefore) / requests;
  };
  return { name, measure };
}
