/** The gateway as one of two subgraphs behind a router: `npm run federated`. */

import { END_WITH_PARENT, PartGroup } from "./stack/part-group.ts";
import { parsePorts } from "./stack/ports.ts";
import { runParts } from "./stack/run-parts.ts";
import { withoutConnections } from "./stack/stack.ts";

const USAGE = `Usage: npm run federated -- [flags]

The gateway in local mode and a directory of employees (schema/example-subgraph.graphql), as one graph behind Hive Gateway.

Flags, each a port, where 0 takes a free one:
  --port            the router (4001)
  --gateway-port    the gateway (4000)
  --directory-port  the directory (4002)

DATA_DIR says where the gateway keeps its record (.data).`;

const DEFAULT_PORTS = { port: "4001", "gateway-port": "4000", "directory-port": "4002" };

type FederatedOptions = Readonly<Record<keyof typeof DEFAULT_PORTS, string>>;

/** A one-line query of both subgraphs. */
const SAMPLE = "{ employees { name camUser { name mfa { login { phone stoken } } } } }";

/** The gateway in local mode, the directory, and a router in front of both. */
class FederatedGraph {
  readonly #options: FederatedOptions;
  readonly #group: PartGroup;

  constructor(options: FederatedOptions, print: (line: string) => void) {
    this.#options = options;
    this.#group = new PartGroup({ name: "federated", longestName: "federated", print });
  }

  /** Asks everything to end. Asking again changes nothing. */
  end(): void {
    this.#group.end();
  }

  /** Starts everything and keeps it until it ends. @returns the exit code. */
  run(env: NodeJS.ProcessEnv): Promise<number> {
    return this.#group.run(() => this.#start(env));
  }

  async #start(env: NodeJS.ProcessEnv): Promise<void> {
    const clean = withoutConnections({ ...env });
    const o = this.#options;
    const local = { ...clean, PORT: o["gateway-port"], DATA_DIR: env["DATA_DIR"] };
    const says = { url: /^ *GraphQL +(\S+)/ };
    const start = (name: string, argv: readonly string[], partEnv: NodeJS.ProcessEnv = clean) =>
      this.#group.start(name, partEnv, [...END_WITH_PARENT, ...argv], says).ready;
    const [gateway, directory] = await Promise.all([
      start("gateway", ["dist/main.js", "serve", "--local"], local),
      start("directory", ["scripts/federated/directory.ts", o["directory-port"]]),
    ]);
    const router = await start("router", ["scripts/federated/router.ts", o.port, gateway.url, directory.url]);
    this.#group.say(`The graph   ${router.url}   (open it in a browser for the playground)`);
    this.#group.say(`Subgraphs   ${gateway.url} (with a playground of its own)  ${directory.url}`);
    this.#group.say(
      `Try         curl ${router.url} --header 'content-type: application/json' --data '${JSON.stringify({ query: SAMPLE })}'`,
    );
    this.#group.say("Ctrl-C stops everything.");
  }
}

await runParts({
  usage: USAGE,
  parse: (argv) => parsePorts(argv, DEFAULT_PORTS),
  create: (options, print) => new FederatedGraph(options, print),
});
