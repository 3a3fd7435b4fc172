/** The gateway as one of two subgraphs behind a router: `npm run federated`. */
import { FederatedGraph } from "./federated/federated-graph.ts";
import { parseFederatedOptions, USAGE } from "./federated/federated-options.ts";
import { runParts } from "./stack/run-parts.ts";

await runParts({
  usage: USAGE,
  parse: parseFederatedOptions,
  create: (options, print) => new FederatedGraph(options, print),
});
