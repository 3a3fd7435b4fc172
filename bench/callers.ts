import { fileURLToPath } from "node:url";
import { seedUsers } from "./changes/change-load.ts";
import type { Bench } from "./support/bench.ts";
import { createIssuer, ISSUER } from "./support/create-issuer.ts";
import { type Program, startProgram } from "./support/program.ts";
import { type Contestant, joinSeries, measureInTurns, ratioOf, type Series } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";
import { SaturatingLoad } from "./support/saturating-load.ts";
import { LISTENING, startUpstream, type Upstream } from "./support/upstream.ts";

const CONNECTIONS = 16;
const WITHOUT = "without tokens";
const KNOWN = "tokens verified before";
const NEW = "new tokens";
/** The number of anonymous callers that the program simulates. */
const CALLERS = 200;

const USERS = seedUsers(5_000).users.map(({ uin }) => uin);

/**
 * Measures the cost of authentication. One process serves both cases in turn, because two processes of the same program
 * differ by more than the cost of a token. New tokens come last, because their verification leaves garbage. The process
 * keeps no record, so that its requests are cheap and the cost of a token is visible.
 */
export const callers: Bench = {
  name: "callers",
  title: `setSubUserMfa over HTTP with a token and without, ${CONNECTIONS} at a time`,
  async run({ smoke, print }) {
    const [starts, warmUps, requests, rounds] = smoke ? [1, 20, 20, 1] : [3, 2_000, 300, 16];
    const measurements: Series[][] = [];
    for (let start = 0; start < starts; start++) {
      measurements.push(await measureOnce({ warmUps, requests, rounds }));
    }
    const series = joinSeries(measurements);
    for (const one of series) print(figureRow(one, "us CPU a request"));
    print(ratioRow(ratioOf(series, KNOWN, WITHOUT), { atMost: 1.05 }, { smoke }));
  },
};

interface Effort {
  readonly warmUps: number;
  readonly requests: number;
  readonly rounds: number;
}

async function measureOnce({ warmUps, requests, rounds }: Effort): Promise<Series[]> {
  await using parts = new AsyncDisposableStack();
  const issuer = await createIssuer(parts);
  const upstream = parts.use(await startUpstream());
  const program = await startGatewayWithCallers(parts, upstream, issuer.jwksFile);
  const tokens = await Promise.all(Array.from({ length: CALLERS }, (_, at) => issuer.sign(`user-${at}`)));
  const neverSeen = await Promise.all(
    Array.from({ length: warmUps + requests * rounds + CONNECTIONS }, (_, at) => issuer.sign(`new-${at}`)),
  );
  let next = 0;
  let sent = 0;
  // Use the users in turn: a change of a recently changed user costs a quarter less.
  const nextUser = () => USERS[sent++ % USERS.length] ?? "";
  const serve = (name: string, nextToken: () => string | undefined) =>
    parts.use(new Serving({ name, program, requests, nextToken, nextUser }));
  const without = serve(WITHOUT, () => undefined);
  const known = serve(KNOWN, () => tokens[next++ % CALLERS]);
  const unseen = serve(NEW, () => neverSeen.pop());
  for (const one of [unseen, without, known]) await one.warmUp(warmUps);
  return [...(await measureInTurns([without, known], rounds)), ...(await measureInTurns([unseen], rounds))];
}

async function startGatewayWithCallers(
  parts: AsyncDisposableStack,
  upstream: Upstream,
  jwksFile: string,
): Promise<Program> {
  const script = fileURLToPath(new URL("./contestants/gateway-without-record.ts", import.meta.url));
  const env = { ...upstream.env, ISSUER, JWKS_FILE: jwksFile };
  return parts.use(await startProgram({ args: [script], env, ready: LISTENING }));
}

interface Served {
  readonly name: string;
  readonly program: Program;
  readonly requests: number;
  readonly nextToken: () => string | undefined;
  readonly nextUser: () => string;
}

/** One kind of request to the same program: the CPU time in microseconds that it spends on one request. */
class Serving implements Contestant, AsyncDisposable {
  readonly name: string;
  readonly #program: Program;
  readonly #load: SaturatingLoad;
  readonly #requests: number;

  constructor({ name, program, requests, nextToken, nextUser }: Served) {
    this.name = name;
    this.#program = program;
    this.#requests = requests;
    this.#load = new SaturatingLoad({
      url: program.told,
      connections: CONNECTIONS,
      nextBody: () => changeOf(nextUser()),
      nextHeaders: () => {
        const token = nextToken();
        return token === undefined ? {} : { authorization: `Bearer ${token}` };
      },
      check: (reply) => {
        if (!reply.includes('"resolvedBy":"REPLY"')) throw new Error(`${name} answered ${reply}`);
      },
    });
  }

  warmUp(requests: number): Promise<void> {
    return this.#load.send(requests);
  }

  async measure(): Promise<number> {
    const before = await this.#program.cpuMicroseconds();
    await this.#load.send(this.#requests);
    return ((await this.#program.cpuMicroseconds()) - before) / this.#requests;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#load[Symbol.asyncDispose]();
  }
}

function changeOf(opUin: string): string {
  const query = `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { requestId resolvedBy } }`;
  return JSON.stringify({ query });
}
