import { parsePorts } from "../stack/parse-ports.ts";

export const USAGE = `Usage: npm run federated -- [flags]

The gateway in local mode and a directory of employees (schema/example-subgraph.graphql), as one graph behind Hive Gateway.

Flags, each a port, where 0 takes a free one:
  --port            the router (4001)
  --gateway-port    the gateway (4000)
  --directory-port  the directory (4002)

DATA_DIR says where the gateway keeps its record (.data).`;

const DEFAULT_PORTS = { port: "4001", "gateway-port": "4000", "directory-port": "4002" };

export type FederatedOptions = Readonly<Record<keyof typeof DEFAULT_PORTS, string>>;

/** @returns the ports, or undefined for --help. @throws Error with the mistake. */
export function parseFederatedOptions(argv: readonly string[]): FederatedOptions | undefined {
  return parsePorts(argv, DEFAULT_PORTS);
}
