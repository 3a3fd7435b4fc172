import { join } from "node:path";
import { readableLine } from "../../src/telemetry/readable-line.ts";
import { type Part, SUCCESS, startPart } from "./part.ts";

const root = join(import.meta.dirname, "../..");

/** Arguments of Node for a program that stops at SIGTERM, so that it stops with its parent. */
export const END_WITH_PARENT = ["--import", join(import.meta.dirname, "end-with-parent.ts")];

/** A gateway finishes its open changes before it stops, up to the deadline of an operation. */
const PATIENCE_BEYOND_DEADLINE_MS = 15_000;
const DEFAULT_DEADLINE_MS = 15_000;

export interface PartGroupOptions {
  /** What the group calls itself in its output. */
  readonly name: string;
  /** The longest name of the group or a part. */
  readonly longestName: string;
  readonly print: (line: string) => void;
}

/** A group of processes that start and stop together. Prefixes their output with their names. */
export class PartGroup {
  readonly #options: PartGroupOptions;
  /** In the order in which they were started, which is the reverse of that in which they are stopped. */
  readonly #parts: Part[] = [];
  readonly #asked = Promise.withResolvers<undefined>();
  readonly #crashed = Promise.withResolvers<string>();
  #stopping = false;

  constructor(options: PartGroupOptions) {
    this.#options = options;
  }

  /** Asks the group to end. Asking again changes nothing. */
  end(): void {
    this.#asked.resolve(undefined);
  }

  /** Says a line in the group's own name. */
  say(line: string): void {
    this.#printFrom(this.#options.name, line);
  }

  /**
   * Calls `start` to start the parts and waits until the group is stopped or a part exits. Then stops the other parts.
   *
   * @returns the exit code: 0 if the group was stopped and all parts stopped cleanly.
   */
  async run(start: () => Promise<void>): Promise<number> {
    const until = Promise.race([this.#asked.promise, this.#crashed.promise]);
    const problem = await Promise.race([until, start().then(() => until)]);
    this.say(
      problem === undefined ? "Stopping." : `${problem} without being asked to; stopping everything else.`,
    );
    const stopped = await this.#stop();
    this.say(stopped ? "Everything has stopped." : "Not everything stopped by itself; the rest was killed.");
    return problem === undefined && stopped ? 0 : 1;
  }

  /** Starts a process that runs until it is stopped. `says` is as in PartOptions. */
  start<Fact extends string>(
    name: string,
    env: NodeJS.ProcessEnv,
    argv: readonly string[],
    says: Readonly<Record<Fact, RegExp>>,
  ): Part<Fact> {
    const part = this.#launch(name, env, argv, says);
    void part.ended.then((how) => this.#onEnd(name, how));
    return part;
  }

  /** Runs a process to its end. Resolves to whether it succeeded; a failure ends the group. */
  async finish(name: string, env: NodeJS.ProcessEnv, argv: readonly string[]): Promise<boolean> {
    const how = await this.#launch(name, env, argv, {}).ended;
    if (how !== SUCCESS) this.#onEnd(name, how);
    return how === SUCCESS;
  }

  #launch<Fact extends string>(
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
      print: (line) => this.#printFrom(name, readableLine(line)),
    });
    this.#parts.push(part);
    this.say(`Started ${name} as process ${part.pid}.`);
    return part;
  }

  #onEnd(name: string, how: string): void {
    if (!this.#stopping) this.#crashed.resolve(`${name} ${how}`);
  }

  /** One after the other: a gateway still needs CAM and the database for the changes that it finishes. */
  async #stop(): Promise<boolean> {
    this.#stopping = true;
    let allStopped = true;
    for (const part of this.#parts.toReversed()) allStopped = (await part.stop()) && allStopped;
    return allStopped;
  }

  #printFrom(name: string, line: string): void {
    const { longestName, print } = this.#options;
    if (line.trim() !== "") print(`${name.padEnd(longestName.length)} | ${line}`);
  }
}
