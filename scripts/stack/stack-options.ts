import { parsePorts } from "./parse-ports.ts";

export const USAGE = `Usage: npm run stack -- [flags]

Two gateways in server mode behind a proxy, the PostgreSQL that they share, the emulated CAM and a demo identity provider, as
docker-compose.yml has them. npm run --silent stack:token -- clerk prints a token.
Everything is new at every start, and gone when it ends.

Flags, each a port, where 0 takes a free one:
  --port           the proxy in front of the gateways (4000)
  --emulator-port  the emulated CAM (4100)
  --control-port   its control API (4101)
  --issuer-port    the identity provider (4200)
  --postgres-port  PostgreSQL (0)

LOG_LEVEL, CAM_DEADLINE_MS, CAM_EMULATOR_RATE and the like reach the parts; what would connect a gateway to anything
else does not.`;

const DEFAULT_PORTS = {
  port: "4000",
  "emulator-port": "4100",
  "control-port": "4101",
  "issuer-port": "4200",
  "postgres-port": "0",
};

export type StackOptions = Readonly<Record<keyof typeof DEFAULT_PORTS, string>>;

/** @returns the ports, or undefined for --help. @throws Error with the mistake. */
export function parseStackOptions(argv: readonly string[]): StackOptions | undefined {
  return parsePorts(argv, DEFAULT_PORTS);
}

/** Variables of addresses and ports, which the stack sets itself. */
const CONNECTS =
  /^(HOST|PORT|REPLICA|DATA_DIR|DATABASE_.*|AUDIT_.*|AUTH_.*|POLICY_FILE|(ADMIN|TLS)_.*|ROUTER_SECRET.*|TENCENTCLOUD_.*|CAM_ENDPOINT|CAM_SERVICE_HOST|CAM_EMULATOR_(HOST|PORT|CONTROL_PORT|SEED_FILE)|(HTTPS?|NO|ALL)_PROXY)$/i;

/** Returns the environment without variables that would connect a part to a service outside the stack. */
export function withoutConnections(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !CONNECTS.test(name)));
}
