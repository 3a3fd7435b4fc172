import type { Bench } from "./support/bench.ts";
import { accountName, CAM_CALLS_PER_SECOND } from "./support/fleet-accounts.ts";
import { verdict } from "./support/rows.ts";
import { SaturatingLoad } from "./support/saturating-load.ts";
import { ACCOUNTS, CONNECTIONS, changeOf, operationIn } from "./support/serving.ts";
import { startGateway } from "./support/start-gateway.ts";
import { startUpstream } from "./support/upstream.ts";

/** One request in this many is a change, and one is a query of the record. The others only pass the server. */
const CHANGE_EVERY = 20;

const RECORD_QUERY = JSON.stringify({
  query: "{ camErrors { code } mfaChanges(first: 5) { nodes { id status } } }",
});
const EMPTY_QUERY = JSON.stringify({ query: "{ __typename }" });

/** Measures the memory of the gateway over many requests. */
export const memory: Bench = {
  name: "memory",
  title: `one change and one query of the record in ${CHANGE_EVERY} requests: memory growth`,
  async run({ smoke, profileDir, print }) {
    const [warmUps, requests] = smoke ? [100, 200] : [20_000, 200_000];
    await using parts = new AsyncDisposableStack();
    const upstream = parts.use(await startUpstream());
    const gateway = await startGateway(parts, {
      ...{ upstream, profileDir, accounts: ACCOUNTS, ratePerSecond: CAM_CALLS_PER_SECOND },
    });
    let sent = 0;
    const nextBody = () => {
      sent += 1;
      if (sent % CHANGE_EVERY > 0) return sent % CHANGE_EVERY === 1 ? RECORD_QUERY : EMPTY_QUERY;
      const change = sent / CHANGE_EVERY;
      return operationIn(accountName(change % ACCOUNTS), changeOf(change));
    };
    const check = (reply: string) => {
      if (reply.includes('"errors"')) throw new Error(`The gateway answered ${reply}`);
    };
    const load = parts.use(
      new SaturatingLoad({ url: gateway.told, connections: CONNECTIONS, nextBody, check }),
    );
    await load.send(warmUps);
    const before = await gateway.heapBytes();
    await load.send(requests);
    const after = await gateway.heapBytes();
    const megabytes = [before, after].map((bytes) => (bytes / 1024 ** 2).toFixed(1)).join(" -> ");
    const ratio = after / before;
    print(
      `${requests} requests, heap ${megabytes} MB, ${ratio.toFixed(2)} times, ${verdict(ratio, { atMost: 1.1 }, smoke)}`,
    );
  },
};
