import { join } from "node:path";
import { type Part, startPart } from "./part.ts";
import { readable } from "./readable.ts";
import { type StackOptions, withoutConnections } from "./stack-options.ts";

const root = join(import.meta.dirname, "../..");
const END_WITH_PARENT = ["--import", join(import.meta.dirname, "end-with-parent.ts")];

/** As wide as the longest name. */
const NAME_WIDTH = "gateway-1".length;

/** A gateway finishes the changes under way, for as long as an operation may take, before it ends. */
const PATIENCE_BEYOND_DEADLINE_MS = 15_000;
const DEFAULT_DEADLINE_MS = 15_000;

/** The key of the emulator's made-up account. */
const KEY = { TENCENTCLOUD_SECRET_ID: "AKIDLOCALEXAMPLE", TENCENTCLOUD_SECRET_KEY: "LocalExampleSecretKey" };

type Environment = Readonly<Record<string, string | undefined>>;

/** Two gateways, their PostgreSQL and the emulated CAM, each a process whose output stands behind its name. */
export class Stack {
  readonly #options: StackOptions;
  readonly #print: (line: string) => void;
  /** In the order in which they were started, which is the reverse of that in which they are stopped. */
  readonly #parts: Part[] = [];
  readonly #asked = Promise.withResolvers<undefined>();
  readonly #crashed = Promise.withResolvers<string>();
  #stopping = false;

  constructor(options: StackOptions, print: (line: string) => void) {
    this.#options = options;
    this.#print = print;
  }

  /** Asks the stack to end. Asking again changes nothing. */
  end(): void {
    this.#asked.resolve(undefined);
  }

  /**
   * Starts everything and keeps it until it is asked to end or a part ends unasked; then stops the rest.
   *
   * @returns the exit code: 0 where it was asked to end and every part did.
   */
  async run(env: Environment): Promise<number> {
    const until = Promise.race([this.#asked.promise, this.#crashed.promise]);
    const problem = await Promise.race([until, this.#start(env).then(() => until)]);
    this.#say(
      problem === undefined ? "Stopping." : `${problem} without being asked to; stopping everything else.`,
    );
    const stopped = await this.#stop();
    this.#say(stopped ? "Everything has stopped." : "Not everything stopped by itself; the rest was killed.");
    return problem === undefined && stopped ? 0 : 1;
  }

  async #start(env: Environment): Promise<void> {
    const clean = withoutConnections({ ...env });
    const o = this.#options;
    const postgres = this.#part("postgres", clean, ["scripts/stack/postgres.ts", o["postgres-port"]], {
      url: /^(postgres:\S+)/,
    });
    const emulator = this.#node(
      "emulator",
      { ...clean, CAM_EMULATOR_PORT: o["emulator-port"], CAM_EMULATOR_CONTROL_PORT: o["control-port"] },
      "dist/emulator/main.js",
      { url: /^ *API +(\S+)/, control: /^ *Control +(\S+)/ },
    );
    const [database, cam] = await Promise.all([postgres.ready, emulator.ready]);
    const shared = {
      ...clean,
      ...KEY,
      CAM_ENDPOINT: cam.url,
      CAM_SERVICE_HOST: "cam.tencentcloudapi.com",
      DATABASE_URL: database.url,
      PLAYGROUND: clean["PLAYGROUND"] ?? "on",
    };
    const gateways = [o.port, o["second-port"]].map((port, index) => {
      const name = `gateway-${index + 1}`;
      return this.#node(name, { ...shared, PORT: port, REPLICA: name }, "dist/main.js", {
        url: /^ *GraphQL +(\S+)/,
      });
    });
    const addresses = await Promise.all(gateways.map(({ ready }) => ready));
    this.#say(`GraphQL     ${addresses.map(({ url }) => url).join("  ")}`);
    this.#say(`CAM         the emulator, ${cam.url}; its control API, ${cam.control}`);
    this.#say(`PostgreSQL  ${database.url}`);
    this.#say("Ctrl-C stops everything and removes the data.");
  }

  /** A program that stops at SIGTERM. */
  #node<Fact extends string>(
    name: string,
    env: NodeJS.ProcessEnv,
    program: string,
    says: Readonly<Record<Fact, RegExp>>,
  ): Part<Fact> {
    return this.#part(name, env, [...END_WITH_PARENT, program], says);
  }

  #part<Fact extends string>(
    name: string,
    env: NodeJS.ProcessEnv,
    argv: readonly string[],
    says: Readonly<Record<Fact, RegExp>>,
  ): Part<Fact> {
    const deadlineMs = Number(env["CAM_DEADLINE_MS"]) || DEFAULT_DEADLINE_MS;
    const part = startPart({
      name,
      argv,
      env,
      says,
      cwd: root,
      patienceMs: deadlineMs + PATIENCE_BEYOND_DEADLINE_MS,
      print: (line) => this.#printFrom(name, readable(line)),
    });
    this.#parts.push(part);
    this.#say(`Started ${name} as process ${part.pid}.`);
    void part.ended.then((how) => {
      if (!this.#stopping) this.#crashed.resolve(`${name} ${how}`);
    });
    return part;
  }

  /** One after the other: a gateway still needs CAM and the database for the changes that it finishes. */
  async #stop(): Promise<boolean> {
    this.#stopping = true;
    let allStopped = true;
    for (const part of this.#parts.toReversed()) allStopped = (await part.stop()) && allStopped;
    return allStopped;
  }

  #say(line: string): void {
    this.#printFrom("stack", line);
  }

  #printFrom(name: string, line: string): void {
    if (line.trim() !== "") this.#print(`${name.padEnd(NAME_WIDTH)} | ${line}`);
  }
}
