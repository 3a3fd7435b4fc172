import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "./support/bench.ts";
import { GATEWAY_MAIN } from "./support/build-gateway.ts";
import { startBareProgram } from "./support/program.ts";
import { measureInTurns, median, ratioOf } from "./support/rounds.ts";
import { figureRow, ratioRow, verdict } from "./support/rows.ts";

const GATEWAY = "gateway --local";
const NODE = "node alone";

export const startUp: Bench = {
  name: "start-up",
  title: "local mode from starting the process to its ready line, and its memory when idle",
  async run({ smoke, print }) {
    const [rounds, idleMs] = smoke ? [1, 100] : [7, 3_000];
    const residentMb: number[] = [];
    const startGateway = async (): Promise<number> => {
      await using gateway = await startBareProgram({
        args: [GATEWAY_MAIN, "--local"],
        env: { PORT: "0" },
        ready: /GraphQL +http/,
      });
      await sleep(idleMs);
      residentMb.push(residentMegabytes(gateway.pid));
      return gateway.startMs;
    };
    const startNode = async (): Promise<number> => {
      const script = 'console.log("ready"); setTimeout(() => {}, 60_000);';
      await using node = await startBareProgram({ args: ["--eval", script], ready: /ready/ });
      return node.startMs;
    };
    const contestants = [
      { name: NODE, measure: startNode },
      { name: GATEWAY, measure: startGateway },
    ];
    const series = await measureInTurns(contestants, rounds);
    for (const one of series) print(figureRow(one, "ms to the ready line"));
    print(ratioRow(ratioOf(series, GATEWAY, NODE)));
    const startMs = median(series.find(({ name }) => name === GATEWAY)?.figures ?? []);
    print(`start-up ${startMs.toFixed(0)} ms, ${verdict(startMs, { atMost: 3_000 }, smoke)}`);
    const memory = median(residentMb);
    print(`idle RSS ${memory.toFixed(0)} MB, ${verdict(memory, { atMost: 250 }, smoke)}`);
  },
};

/** As Linux counts it; NaN elsewhere. */
function residentMegabytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  const kilobytes = existsSync(path) ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(path, "utf8"))?.[1] : undefined;
  return Number(kilobytes) / 1024;
}
