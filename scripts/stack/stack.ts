import type { Part } from "./part.ts";
import { END_WITH_PARENT, PartGroup } from "./part-group.ts";
import { type StackOptions, withoutConnections } from "./stack-options.ts";

/** The key of the emulator's example account. */
const KEY = { TENCENTCLOUD_SECRET_ID: "AKIDLOCALEXAMPLE", TENCENTCLOUD_SECRET_KEY: "LocalExampleSecretKey" };

type Environment = Readonly<Record<string, string | undefined>>;

/** Two gateways, their PostgreSQL and the emulator. The gateways run in local mode, so callers need no token. */
export class Stack {
  readonly #options: StackOptions;
  readonly #group: PartGroup;

  constructor(options: StackOptions, print: (line: string) => void) {
    this.#options = options;
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
      ["dist/emulator/main.js"],
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
    const gateways = [o.port, o["second-port"]].map((port, index) => {
      const name = `gateway-${index + 1}`;
      return this.#node(name, { ...shared, PORT: port, REPLICA: name }, ["dist/main.js", "--local"], {
        url: /^ *GraphQL +(\S+)/,
      });
    });
    const addresses = await Promise.all(gateways.map(({ ready }) => ready));
    this.#group.say(`GraphQL     ${addresses.map(({ url }) => url).join("  ")}`);
    this.#group.say(`CAM         the emulator, ${cam.url}; its control API, ${cam.control}`);
    this.#group.say(`PostgreSQL  ${database.url}`);
    this.#group.say("Ctrl-C stops everything and removes the data.");
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
