import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "graphql";
import { Pool } from "undici";
import { fullChanges, many } from "../test/graphql/documents/documents.ts";
import { compiled } from "../test/support/compiled.ts";
import type { Bench } from "./support/bench.ts";
import { createIssuer } from "./support/create-issuer.ts";
import { median } from "./support/rounds.ts";
import { figureRow, verdict } from "./support/rows.ts";
import { startGateway } from "./support/start-gateway.ts";
import { startUpstream } from "./support/upstream.ts";

/** Documents that the gateway refuses, each by a different limit. */
const REFUSED: Readonly<Record<string, string>> = {
  "one fragment 7,400 times": `query Q { ${"...A ".repeat(7_400)} } fragment A on Query { __typename }`,
  "1,500 fragments": `{ ${many(1_500, (at) => `...F${at}`)} } ${many(1_500, (at) => `fragment F${at} on Query { __typename }`)}`,
  "a field 7,000 times": `{ camErrors { ${"code ".repeat(7_000)} } }`,
  "2,900 inline fragments": `{ ${"... { __typename } ".repeat(2_900)} }`,
  "14,000 values": `{ subUsers(opUins: [${many(14_000, (at) => `${at + 1}`)}]) { name } }`,
  "3,000 operations": many(3_000, (at) => `query Q${at} { __typename }`),
  "1,000 unknown fragments": `{ ${many(1_000, (at) => `...F${at}`)} }`,
};

/** Documents just below a limit, which the gateway runs. */
const ACCEPTED: Readonly<Record<string, string>> = {
  "300 whole changes": fullChanges(300),
  "300 changes with variables": `mutation (${many(300, (at) => `$u${at}: Uin! $r${at}: String`)}) { ${many(
    300,
    (at) =>
      `c${at}: setSubUserMfa(opUin: $u${at}, login: {phone: true}, reason: $r${at}) { requestId subUser { opUin } }`,
  )} }`,
  "99 equal fields with arguments": `{ ${'mfaChanges(first: 1, caller: "x", after: "y") { nodes { id } } '.repeat(99)} }`,
  "200 fragments": `{ ${many(200, (at) => `...F${at}`)} } ${many(200, (at) => `fragment F${at} on Query { a${at}: mfaChange(id: "x") { id } }`)}`,
  "4,998 values": `{ subUsers(opUins: [${many(4_998, (at) => `${at + 1}`)}]) { opUin } }`,
  "50 operations with variables": many(
    50,
    (at) =>
      `query Q${at}($a: Uin!, $b: String) { ${many(5, (alias) => `a${alias}: mfaChanges(opUin: $a, caller: $b, account: $b, after: $b) { nodes { id } }`)} }`,
  ),
  "a text of 256 KB": `{ mfaChange(id: """${"a\n ".repeat(87_000)}""") { id } }`,
};

const CONNECTIONS = 8;
const ATTACK = (name: string) =>
  `query ${name} { ${"...A ".repeat(7_400)} } fragment A on Query { __typename }`;
const LARGE = (name: string) => fullChanges(300).replace("mutation", `mutation ${name}`);

export const documents: Bench = {
  name: "documents",
  title: "slow documents: the cost of one, and the delay of other requests during a flood",
  async run({ smoke, print }) {
    await measureDocuments(smoke, print);
    await measureFlood(smoke, print);
  },
};

/** Returns the CPU time of this thread in milliseconds. Other requests wait during this time. */
function cpuMs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

async function measureDocuments(smoke: boolean, print: (row: string) => void): Promise<void> {
  const { Admission } = await compiled<typeof import("../src/graphql/admission.ts")>("graphql/admission.js");
  const { gatewaySchema } = await compiled<typeof import("../src/graphql/schema.ts")>("graphql/schema.js");
  const schema = gatewaySchema();
  const limit = { rates: new Map([["default", 20]]), slowest: 20, timeLimitMs: 15_000 };
  const admit = (query: string) =>
    new Admission({ schema, introspection: false }).admit(
      { query, operationName: query.startsWith("query Q0") ? "Q0" : undefined, variables: undefined },
      limit,
    );
  const rounds = smoke ? 1 : 25;
  for (const [name, query] of Object.entries(REFUSED)) {
    if (admit(query).errors.length === 0) throw new Error(`${name} was not refused.`);
    const per10Kb = (figure: number) => (figure * 10_240) / Math.max(10_240, query.length);
    const figures = Array.from({ length: rounds }, () => per10Kb(cpuMs(() => admit(query))));
    print(
      `${figureRow({ name, figures }, "ms for 10 KB")}, ${verdict(median(figures), { atMost: 2 }, smoke)}`,
    );
  }
  for (const [name, query] of Object.entries(ACCEPTED)) {
    const { errors, document } = admit(query);
    if (document === undefined) throw new Error(`${name} was refused: ${errors[0]?.message}`);
    const figures = Array.from({ length: rounds }, () => cpuMs(() => admit(query)));
    print(`${figureRow({ name, figures }, "ms")}, ${verdict(median(figures), { atMost: 25 }, smoke)}`);
    const parses = Array.from({ length: rounds }, () => cpuMs(() => parse(query)));
    print(figureRow({ name: "  of which GraphQL's parser", figures: parses }, "ms"));
  }
}

async function measureFlood(smoke: boolean, print: (row: string) => void): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const issuer = await createIssuer(parts);
  const upstream = parts.use(await startUpstream());
  const gateway = await startGateway(parts, { upstream, issuer });
  const origin = new URL(gateway.told).origin;
  const token = await issuer.sign("victim");
  const pool = new Pool(origin, { connections: CONNECTIONS });
  parts.defer(() => pool.destroy());
  const others = new Pool(origin, { connections: 2 });
  parts.defer(() => others.destroy());
  const attacks: readonly (readonly [name: string, document: ((name: string) => string) | undefined])[] = [
    ["nobody", undefined],
    ["fragments", ATTACK],
    ["the largest documents", LARGE],
  ];
  for (const [name, document] of attacks) {
    const cpuBefore = await gateway.cpuMicroseconds();
    const flood = document === undefined ? undefined : startFlood(pool, document);
    const health: number[] = [];
    const changes: number[] = [];
    let sent: number | undefined;
    try {
      for (let at = 0; at < (smoke ? 2 : 40); at++) {
        health.push(await tookMs(() => live(others)));
        changes.push(await tookMs(() => change(others, token, at)));
        await sleep(50);
      }
    } finally {
      sent = await flood?.stop();
    }
    const cpuTaken = ((await gateway.cpuMicroseconds()) - cpuBefore) / 1000;
    if (sent !== undefined) print(`a request of the flood takes ${(cpuTaken / sent).toFixed(2)} ms of CPU`);
    print(
      `next to ${name}${sent === undefined ? "" : `, ${sent} requests over ${CONNECTIONS} connections`}:`,
    );
    print(
      `${figureRow({ name: "  /health/live", figures: health }, "ms")}, ${verdict(median(health), { atMost: 250 }, smoke)}`,
    );
    print(
      `${figureRow({ name: "  a change", figures: changes }, "ms")}, ${verdict(median(changes), { atMost: 1_000 }, smoke)}`,
    );
  }
}

/** Keeps one request in flight on each connection, each with a new operation name. */
function startFlood(pool: Pool, document: (name: string) => string): { stop(): Promise<number> } {
  let isOn = true;
  let sent = 0;
  const send = async (): Promise<void> => {
    while (isOn) {
      sent += 1;
      const { body } = await post(pool, JSON.stringify({ query: document(`N${sent}`) }), {});
      await body.dump();
    }
  };
  const all = Promise.all(Array.from({ length: CONNECTIONS }, send));
  return {
    stop: async () => {
      isOn = false;
      await all;
      return sent;
    },
  };
}

function post(pool: Pool, body: string, headers: Readonly<Record<string, string>>) {
  return pool.request({
    method: "POST",
    path: "/graphql",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

async function live(pool: Pool): Promise<void> {
  const { body } = await pool.request({ method: "GET", path: "/health/live" });
  await body.dump();
}

async function change(pool: Pool, token: string, at: number) {
  const query = `mutation { setSubUserMfa(opUin: "${100_021_000_001 + at}", login: { phone: true }) { requestId } }`;
  const response = await post(pool, JSON.stringify({ query }), { authorization: `Bearer ${token}` });
  const { errors } = (await response.body.json()) as { errors?: unknown };
  if (errors !== undefined) throw new Error(`A change failed: ${JSON.stringify(errors)}`);
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
