import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import type { Bench } from "./support/bench.ts";
import type { Program } from "./support/program.ts";
import { measureInTurns, median, ratioOf } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";
import { startGateway } from "./support/start-gateway.ts";
import { startUpstream, type Upstream } from "./support/upstream.ts";

const ENTITIES = "_entities";
const SUB_USERS = "subUsers";
const PROFILE = "opUin name uid remark userType createTime lastLoginTime lastLoginIp";

/** The target, which includes the cost of representations for a router. */
const TARGET = { atMost: 1.3 };
/** The number of users in one DescribeSubAccounts call. */
const UINS_PER_CALL = 50;
/** Minimum interval of operations, in milliseconds: at 20 calls each they stay below the gateway's quota. */
const OPERATION_EVERY_MS = 400;

export const entities: Bench = {
  name: "entities",
  title: "profiles of many users in one operation, as a router's _entities and as the query subUsers",
  async run({ smoke, profileDir, print }) {
    const [users, warmUps, operations, rounds] = smoke ? [60, 1, 1, 1] : [1_000, 20, 2, 30];
    const uins = Array.from({ length: users }, (_, index) => String(100_000_000_000 + index));
    await using parts = new AsyncDisposableStack();
    const upstream = parts.use(await startUpstream());
    const gateway = await startGateway(parts, { upstream, profileDir });
    const contestants = [
      new ProfileRead(ENTITIES, gateway, operations, {
        query: `query ($of: [_Any!]!) { _entities(representations: $of) { ... on SubUser { ${PROFILE} } } }`,
        variables: { of: uins.map((opUin) => ({ __typename: "SubUser", opUin })) },
      }),
      new ProfileRead(SUB_USERS, gateway, operations, {
        query: `query ($of: [Uin!]!) { subUsers(opUins: $of) { ${PROFILE} } }`,
        variables: { of: uins },
      }),
    ];
    for (const contestant of contestants) {
      print(`${contestant.name}: ${await countCalls(contestant, users, upstream)} calls for ${users} users`);
      await contestant.run(warmUps);
    }
    const series = await measureInTurns(contestants, rounds);
    for (const one of series) print(figureRow(one, "ms CPU an operation"));
    for (const { name, tookMs } of contestants)
      print(`${name}: ${median(tookMs).toFixed(0)} ms to the reply`);
    print(ratioRow(ratioOf(series, ENTITIES, SUB_USERS), TARGET, { smoke }));
  },
};

interface GraphQLRequest {
  readonly query: string;
  readonly variables: { readonly of: readonly unknown[] };
}

class ProfileRead {
  readonly name: string;
  /** The time of each operation, from the request to the last byte of the reply. */
  readonly tookMs: number[] = [];
  readonly #gateway: Program;
  readonly #operations: number;
  readonly #body: string;
  readonly #users: number;

  constructor(name: string, gateway: Program, operations: number, body: GraphQLRequest) {
    this.name = name;
    this.#gateway = gateway;
    this.#operations = operations;
    this.#body = JSON.stringify(body);
    this.#users = body.variables.of.length;
  }

  /** Runs a round and returns the CPU time of one operation in milliseconds. */
  async measure(): Promise<number> {
    const before = await this.#gateway.cpuMicroseconds();
    await this.run(this.#operations);
    const after = await this.#gateway.cpuMicroseconds();
    return (after - before) / this.#operations / 1000;
  }

  async run(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const tookMs = await this.#runOnce();
      this.tookMs.push(tookMs);
      await sleep(Math.max(0, OPERATION_EVERY_MS - tookMs));
    }
  }

  async #runOnce(): Promise<number> {
    const startedMs = performance.now();
    const reply = await request(this.#gateway.told, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: this.#body,
    });
    const text = await reply.body.text();
    const tookMs = performance.now() - startedMs;
    const { data, errors } = JSON.parse(text) as { data?: Record<string, unknown[]>; errors?: unknown };
    const found = data?.[this.name]?.filter((user) => user !== null).length;
    if (errors !== undefined || found !== this.#users) {
      throw new Error(`${this.name} answered with ${found} of ${this.#users} users: ${text.slice(0, 500)}`);
    }
    return tookMs;
  }
}

/** @throws Error if an operation makes more CAM calls than its users need. */
async function countCalls(read: ProfileRead, users: number, upstream: Upstream): Promise<number> {
  const before = await upstream.calls("DescribeSubAccounts");
  await read.run(1);
  const calls = (await upstream.calls("DescribeSubAccounts")) - before;
  const needed = Math.ceil(users / UINS_PER_CALL);
  if (calls !== needed) throw new Error(`${read.name} made ${calls} calls to CAM and needs ${needed}.`);
  return calls;
}
