import { join } from "node:path";
import type { Part } from "./part.ts";
import { END_WITH_PARENT, PartGroup } from "./part-group.ts";
import { AUDIENCE, PERSONAS } from "./personas.ts";
import { parsePorts } from "./ports.ts";

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

type StackOptions = Readonly<Record<keyof typeof DEFAULT_PORTS, string>>;

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

/** The files that docker-compose.yml mounts. */
const compose = join(import.meta.dirname, "../../deploy/compose");

/** The variables of both gateways that the addresses of the other parts do not change. */
const GATEWAY_ENV = {
  AUTH_AUDIENCE: AUDIENCE,
  AUTH_PROXY_ADDRESSES: "127.0.0.1",
  POLICY_FILE: join(compose, "policy.yaml"),
  AUDIT_SIGNING_KEY_FILE: join(compose, "secrets/record-signing-key"),
  AUDIT_ANCHOR_FILE: "log",
  CAM_SERVICE_HOST: "cam.tencentcloudapi.com",
  TENCENTCLOUD_SECRET_ID_FILE: join(compose, "secrets/cam-secret-id"),
  TENCENTCLOUD_SECRET_KEY_FILE: join(compose, "secrets/cam-secret-key"),
  PLAYGROUND: "on",
  CONSOLE: "on",
  CONSOLE_CLIENT_ID: "console",
  PORT: "0",
  ADMIN_PORT: "0",
};

export interface StackAddresses {
  /** The GraphQL endpoint of the proxy. */
  readonly url: string;
  /** The identity provider. */
  readonly issuer: string;
  /** The control API of the emulator. */
  readonly control: string;
}

/** Runs once everything listens. `say` prints a line. */
type OnReady = (addresses: StackAddresses, say: (line: string) => void) => Promise<void>;

/** Two gateways in server mode behind a proxy, with their PostgreSQL, the emulator and a demo identity provider. */
export class Stack {
  readonly #options: StackOptions;
  readonly #group: PartGroup;
  readonly #onReady: OnReady | undefined;

  constructor(options: StackOptions, print: (line: string) => void, onReady?: OnReady) {
    this.#options = options;
    this.#onReady = onReady;
    this.#group = new PartGroup({ name: "stack", longestName: "gateway-1", print });
  }

  /** Asks the stack to end. Asking again changes nothing. */
  end(): void {
    this.#group.end();
  }

  /** Starts everything and keeps it until it ends. @returns the exit code. */
  run(env: NodeJS.ProcessEnv): Promise<number> {
    return this.#group.run(() => this.#start(withoutConnections(env)));
  }

  async #start(env: NodeJS.ProcessEnv): Promise<void> {
    const o = this.#options;
    const postgres = this.#group.start("postgres", env, ["scripts/stack/postgres.ts", o["postgres-port"]], {
      owner: /^Owner (\S+)/,
      gateway: /^Gateway (\S+)/,
    });
    const emulator = this.#node(
      "emulator",
      { ...env, CAM_EMULATOR_PORT: o["emulator-port"], CAM_EMULATOR_CONTROL_PORT: o["control-port"] },
      ["dist/main.js", "emulator"],
      { url: /^ *API +(\S+)/, control: /^ *Control +(\S+)/ },
    );
    const keys = join(compose, "secrets/issuer-keys");
    const issuer = this.#node("issuer", env, ["scripts/stack/issuer.ts", keys, o["issuer-port"]], {
      url: /^Issuer (\S+)/,
    });
    const [database, cam, tokens] = await Promise.all([postgres.ready, emulator.ready, issuer.ready]);
    const migrate = ["dist/main.js", "migrate", "--grant-to", new URL(database.gateway).username];
    if (!(await this.#group.finish("migrate", { ...env, DATABASE_URL: database.owner }, migrate))) return;

    const shared = {
      ...env,
      ...GATEWAY_ENV,
      AUTH_ISSUER: tokens.url,
      CAM_ENDPOINT: cam.url,
      DATABASE_URL: database.gateway,
    };
    const gateways = await Promise.all(
      ["gateway-1", "gateway-2"].map(async (name) => {
        const { ready } = this.#node(name, { ...shared, REPLICA: name }, ["dist/main.js", "serve"], {
          url: /^ *GraphQL +(\S+)\/graphql/,
          admin: /^ *Admin +(\S+)/,
        });
        return ready;
      }),
    );
    const origins = gateways.map(({ url }) => url);
    const proxy = this.#node("proxy", env, ["scripts/stack/proxy.ts", o.port, ...origins], {
      url: /^Proxy (\S+)/,
    });
    const url = `${(await proxy.ready).url}/graphql`;
    this.#group.say(`GraphQL     ${url}, by ${origins.join(" and ")}`);
    this.#group.say(
      `Console     ${url.replace(/graphql$/, "console")}, for the same callers with any password`,
    );
    this.#group.say(
      `Admin       ${gateways.map(({ admin }) => admin).join(" and ")}: health, metrics, version`,
    );
    this.#group.say(
      `Tokens      ${tokens.url}, for ${Object.keys(PERSONAS).join(", ")}: npm run stack:token`,
    );
    this.#group.say(`CAM         the emulator, ${cam.url}; its control API, ${cam.control}`);
    this.#group.say(`PostgreSQL  ${database.gateway}`);
    this.#group.say("Ctrl-C stops everything and removes the data.");
    await this.#onReady?.({ url, issuer: tokens.url, control: cam.control }, (line) => this.#group.say(line));
  }

  /** A program that stops at SIGTERM. */
  #node<Fact extends string>(
    name: string,
    env: NodeJS.ProcessEnv,
    program: readonly string[],
    says: Readonly<Record<Fact, RegExp>>,
  ): Part<Fact> {
    return this.#group.start(name, env, [...END_WITH_PARENT, ...program], says);
  }
}
