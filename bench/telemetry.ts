import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Bench } from "./support/bench.ts";
import { accountName, CAM_CALLS_PER_SECOND } from "./support/fleet-accounts.ts";
import { measureInTurns, ratioOf } from "./support/rounds.ts";
import { figureRow, ratioRow } from "./support/rows.ts";
import { ACCOUNTS, CONNECTIONS, operationIn, Serving } from "./support/serving.ts";
import { startGateway } from "./support/start-gateway.ts";
import { startUpstream } from "./support/upstream.ts";

const WITH = "with traces and metrics";
const WITHOUT = "without";

/** Measures what OpenTelemetry costs: one trace in a hundred is sampled, and metrics leave every five seconds. */
export const telemetry: Bench = {
  name: "telemetry",
  title: `setSubUserMfa with its record, ${CONNECTIONS} at a time, with OpenTelemetry and without`,
  async run({ smoke, profileDir, print }) {
    const [warmUps, requests, rounds] = smoke ? [20, 20, 1] : [1_000, 200, 12];
    await using parts = new AsyncDisposableStack();
    const upstream = parts.use(await startUpstream());
    const exported = { OTEL_EXPORTER_OTLP_ENDPOINT: await startCollector(parts) };
    const sampled = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };
    const contestants = [];
    for (const [name, env] of [
      [WITHOUT, {}],
      [WITH, { ...exported, ...sampled, OTEL_METRIC_EXPORT_INTERVAL: "5000" }],
    ] as const) {
      const program = await startGateway(parts, {
        ...{ upstream, profileDir, accounts: ACCOUNTS, ratePerSecond: CAM_CALLS_PER_SECOND, env },
      });
      let sent = 0;
      const bodyOf = (change: object) => operationIn(accountName(sent++ % ACCOUNTS), change);
      const contestant = parts.use(new Serving({ name, program, bodyOf }, requests, upstream));
      await contestant.warmUp(warmUps);
      contestants.push(contestant);
    }
    const series = await measureInTurns(contestants, rounds);
    for (const one of series) print(figureRow(one, "us CPU a request"));
    print(ratioRow(ratioOf(series, WITH, WITHOUT), { atMost: 1.1 }, { smoke }));
  },
};

/** Starts a collector that accepts everything and keeps nothing. Returns its address. */
async function startCollector(parts: AsyncDisposableStack): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  parts.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
