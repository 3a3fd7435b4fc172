import type { RouterId } from "../routers/router-guide.ts";
import { innerErrorOf, type ReceivedError } from "./received-error.ts";

/** Which routers leave such a trace on a subgraph's error. */
export interface Guess {
  /** None where there is no trace. */
  readonly routers: readonly RouterId[];
  /** The trace. */
  readonly by: string;
  /** What the graph calls the gateway, where the router says so. */
  readonly subgraph: string | undefined;
}

export function guessRouter(error: ReceivedError): Guess {
  const { message, extensions } = error;
  const subgraph = [extensions["serviceName"], extensions["service"], subgraphIn(message)].find(
    (name) => typeof name === "string",
  );
  const guess = (by: string, ...routers: RouterId[]): Guess => ({ routers, by, subgraph });

  if (innerErrorOf(error) !== undefined) return guess("the error is wrapped in another", "cosmo");
  if (subgraphIn(message) !== undefined) return guess(`the message ${JSON.stringify(message)}`, "cosmo");
  if (message === "Subgraph errors redacted") return guess(`the message "${message}"`, "apollo-router");
  if (message === "Unexpected error") return guess(`the message "${message}"`, "hive-router");
  if (message === "Unexpected error.") return guess(`the message "${message}"`, "hive-gateway");
  if ("statusCode" in extensions) return guess("extensions.statusCode", "cosmo");
  if ("service" in extensions) return guess("extensions.service", "apollo-router", "hive-router");
  if ("serviceName" in extensions) {
    // The other two that say serviceName take nothing away.
    return "category" in extensions
      ? guess("extensions.serviceName", "apollo-gateway", "hive-gateway", "cosmo")
      : guess("extensions.serviceName, and most of extensions gone", "cosmo");
  }
  return guess("no trace");
}

function subgraphIn(message: unknown): string | undefined {
  return /^Failed to fetch from Subgraph '([^']+)'/.exec(String(message))?.[1];
}
