import type { Part } from "./part.ts";
import { END_WITH_PARENT, PartGroup } from "./part-group.ts";
import { type StackOptions, withoutConnections } from "./stack-options.ts";

/** The key of the emulator's example account. */
const KEY = { TENCENTCLOUD_SECRET_ID: "AKIDLOCALEXAMPLE", TENCENTCLOUD_SECRET_KEY: "LocalExampleSecretKey" };

type Environment = Readonly<Record<string, string | undefined>>;

export interface StackAddresses {
  /** The GraphQL endpoints. */
  readonly gateways: readonly [string, string];
  /** The control API of the emulator. */
  readonly control: string;
}

/** Runs once everything listens. `say` prints a line. */
type OnReady = (addresses: StackAddresses, say: (line: string) => void) => Promise<void>;

/** Two gateways, their PostgreSQL and the emulator. The gateways run in local mode, so callers need no token. */
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
  run(env: Environment): Promise<number> {
    return this.#group.run(() => this.#start(env));
  }

  async #start(env: Environment): Promise<void> {
    const clean = withoutConnections({ ...env });
    const o = this.#options;
    const postgres = this.#group.start("postgres", clean, ["scripts/stack/postgres.ts", o["postgres-port"]], {
      url: /^(postgres:\S+)/,
    });
    const emulator = this.#node(
      "emulator",
      { ...clean, CAM_EMULATOR_PORT: o["emulator-port"], CAM_EMULATOR_CONTROL_PORT: o["control-port"] },
      ["dist/main.js", "emulator"],
      { url: /^ *API +(\S+)/, control: /^ *Control +(\S+)/ },
    );
    const [database, cam] = await Promise.all([postgres.ready, emulator.ready]);
    const shared = {
      ...clean,
      ...KEY,
      CAM_ENDPOINT: cam.url,
      CAM_SERVICE_HOST: "cam.tencentcloudapi.com",
      DATABASE_URL: database.url,
    };
    const startGateway = async (name: string, port: string): Promise<string> => {
      const env = { ...shared, PORT: port, REPLICA: name };
      const { ready } = this.#node(name, env, ["dist/main.js", "serve", "--local"], {
        url: /^ *GraphQL +(\S+)/,
      });
      return (await ready).url;
    };
    const gateways = await Promise.all([
      startGateway("gateway-1", o.port),
      startGateway("gateway-2", o["second-port"]),
    ]);
    this.#group.say(`GraphQL     ${gateways.join("  ")}`);
    this.#group.say(`CAM         the emulator, ${cam.url}; its control API, ${cam.control}`);
    this.#group.say(`PostgreSQL  ${database.url}`);
    this.#group.say("Ctrl-C stops everything and removes the data.");
    await this.#onReady?.({ gateways, control: cam.control }, (line) => this.#group.say(line));
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
