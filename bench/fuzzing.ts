import { fuzz } from "../test/support/fuzz/fuzz.ts";
import type { Bench } from "./support/bench.ts";
import { EXAMPLE_KEY } from "./support/example-key.ts";
import { verdict } from "./support/rows.ts";
import { MOST_CALLS_PER_SECOND, startGateway } from "./support/start-gateway.ts";
import { startUpstream } from "./support/upstream.ts";

/** The number of requests after which compiled code and caches stop growing. */
const WARM_UP_REQUESTS = 10_000;

export const fuzzing: Bench = {
  name: "fuzzing",
  title: "malformed requests: crashes and memory growth",
  async run({ smoke, profileDir, print }) {
    const [warmUps, requests] = smoke ? [100, 200] : [WARM_UP_REQUESTS, 20_000];
    await using parts = new AsyncDisposableStack();
    const upstream = parts.use(await startUpstream());
    const ratePerSecond = MOST_CALLS_PER_SECOND;
    const gateway = await startGateway(parts, { upstream, profileDir, ratePerSecond });
    const { origin } = new URL(gateway.told);
    const secrets = [EXAMPLE_KEY.secretKey];
    await fuzz({ origin, requests: warmUps, seed: 1, secrets });
    const before = await gateway.heapBytes();
    const { findings, countOfStatus } = await fuzz({ origin, requests, seed: 2, secrets });
    const after = await gateway.heapBytes();
    for (const { problem, request } of findings.slice(0, 5)) print(`${problem}: ${JSON.stringify(request)}`);
    print(
      `${requests} requests, ${findings.length} findings, ${verdict(findings.length, { atMost: 0 }, smoke)}`,
    );
    print(`answers by status: ${JSON.stringify(countOfStatus)}`);
    const megabytes = [before, after].map((bytes) => (bytes / 1024 ** 2).toFixed(1)).join(" -> ");
    print(
      `heap ${megabytes} MB, ${(after / before).toFixed(2)} times, ${verdict(after / before, { atMost: 1.1 }, smoke)}`,
    );
  },
};
