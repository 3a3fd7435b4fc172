import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "./support/bench.ts";
import { GATEWAY_MAIN } from "./support/build-gateway.ts";
import { startBareProgram } from "./support/program.ts";
import { measureInTurns, median, ratioOf, type Series } from "./support/rounds.ts";
import { figureRow, ratioRow, verdict } from "./support/rows.ts";

const NODE = "node alone";
const FIRST = "gateway --local, first time";
const AGAIN = "gateway --local, again";

export const startUp: Bench = {
  name: "start-up",
  title: "local mode from the start of the process to its ready line, and its idle memory",
  async run({ smoke, print }) {
    const [rounds, idleMs] = smoke ? [1, 100] : [7, 3_000];
    await using parts = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "gateway-bench-"));
    parts.defer(() => rm(folder, { recursive: true, force: true }));
    const residentMb: number[] = [];
    let rounded = 0;
    const startGateway = async (dataDir: string): Promise<number> => {
      await using gateway = await startBareProgram({
        args: [GATEWAY_MAIN, "serve", "--local"],
        env: { PORT: "0", DATA_DIR: dataDir },
        ready: /GraphQL +http/,
      });
      await sleep(idleMs);
      residentMb.push(residentMegabytes(gateway.pid));
      return gateway.startMs;
    };
    const series = await measureInTurns(
      [
        { name: NODE, measure: startNode },
        { name: FIRST, measure: () => startGateway(join(folder, String(++rounded))) },
        { name: AGAIN, measure: () => startGateway(join(folder, String(rounded))) },
      ],
      rounds,
    );
    for (const one of series) print(figureRow(one, "ms to the ready line"));
    print(ratioRow(ratioOf(series, FIRST, NODE)));
    print(ratioRow(ratioOf(series, AGAIN, NODE)));
    const firstMs = medianOf(series, FIRST);
    print(`first start-up ${firstMs.toFixed(0)} ms, ${verdict(firstMs, { atMost: 2_500 }, smoke)}`);
    const idleMb = median(residentMb);
    print(`idle RSS ${idleMb.toFixed(0)} MB, ${verdict(idleMb, { atMost: 250 }, smoke)}`);
  },
};

async function startNode(): Promise<number> {
  const script = 'console.log("ready"); setTimeout(() => {}, 60_000);';
  await using node = await startBareProgram({ args: ["--eval", script], ready: /ready/ });
  return node.startMs;
}

function medianOf(all: readonly Series[], name: string): number {
  return median(all.find((series) => series.name === name)?.figures ?? []);
}

/** Returns the resident memory that Linux reports; NaN on other systems. */
function residentMegabytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  const kilobytes = existsSync(path) ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(path, "utf8"))?.[1] : undefined;
  return Number(kilobytes) / 1024;
}
