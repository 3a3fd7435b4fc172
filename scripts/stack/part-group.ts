import { join } from "node:path";
import { readableLine } from "../../src/telemetry/logger.ts";
import { type Part, startPart } from "./part.ts";

const root = join(import.meta.dirname, "../..");

/** Arguments of Node before a program that stops at SIGTERM, so that it stops with whoever started it. */
export const END_WITH_PARENT = ["--import", join(import.meta.dirname, "end-with-parent.ts")];

/** A gateway finishes the changes under way, for as long as an operation may take, before it ends. */
const PATIENCE_BEYOND_DEADLINE_MS = 15_000;
const DEFAULT_DEADLINE_MS = 15_000;

export interface PartGroupOptions {
  /** What the group calls itself in its output. */
  readonly name: string;
  /** The longest name of the group or a part. */
  readonly longestName: string;
  readonly print: (line: string) => void;
}

/** Processes that start, run and end together, whose output stands behind their names. */
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
   * Lets `start` start the parts and keeps them until the group is asked to end or a part ends unasked; then stops the
   * rest.
   *
   * @returns the exit code: 0 where it was asked to end and every part did.
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

  /** Starts a process. `says` is as in PartOptions. */
  start<Fact extends string>(
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

  #printFrom(name: string, line: string): void {
    const { longestName, print } = this.#options;
    if (line.trim() !== "") print(`${name.padEnd(longestName.length)} | ${line}`);
  }
}
