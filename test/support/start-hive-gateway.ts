import { type HiveOptions, startHiveRouter } from "../../scripts/federated/start-hive-router.ts";
import type { Subgraph } from "../../scripts/federated/supergraph.ts";
import { type StartedRouter, sendTo } from "./started-router.ts";
import { whenOver } from "./when-over.ts";

/** Starts Hive Gateway on a free port in front of running subgraphs. `hive` adds options such as `upstreamRetry`. */
export async function startHiveGateway(options: {
  readonly subgraphs: readonly Subgraph[];
  readonly hive?: HiveOptions;
}): Promise<StartedRouter> {
  const { url, stop } = await startHiveRouter(options.subgraphs, 0, options.hive);
  whenOver(stop);
  return { url, send: (...operation) => sendTo(url, ...operation), stop };
}
