import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ProgramOptions {
  /** What follows `node` on the command line. */
  readonly args: readonly string[];
  /** The complete environment except PATH and NODE_ENV, so that the shell does not affect the figures. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it prints when it is ready. */
  readonly ready: RegExp;
}

/** A child process that is ready. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  /** What `ready` captured, such as its address. */
  readonly told: string;
  /** From starting the process to its ready line. */
  readonly startMs: number;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, told: string, startMs: number) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.told = told;
    this.startMs = startMs;
  }

  /** Asks it something, one question at a time; `answer-parent.ts` is the other end. */
  async ask<Answer extends number | string>(question: object): Promise<Answer> {
    const settled = new AbortController();
    const answer = once(this.#child, "message", { signal: settled.signal });
    const end = once(this.#child, "exit", { signal: settled.signal }).then(() => {
      throw new Error("The program ended instead of answering.");
    });
    this.#child.send(question);
    const [message] = await Promise.race([answer, end]).finally(() => settled.abort());
    return message as Answer;
  }

  /** CPU time that it has used since it started, in user and system mode. */
  cpuMicroseconds(): Promise<number> {
    return this.ask({ kind: "cpu" });
  }

  /** Returns the heap size after garbage collection. Requires --expose-gc. */
  heapBytes(): Promise<number> {
    return this.ask({ kind: "heap" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await once(this.#child, "exit");
  }
}

const REPORT_USAGE = fileURLToPath(new URL("./report-usage.ts", import.meta.url));

/** Starts a program that reports its own CPU time and heap when asked. */
export function startProgram(options: ProgramOptions): Promise<Program> {
  return spawnUntilReady({ ...options, args: ["--import", REPORT_USAGE, ...options.args] }, "ipc");
}

/** Starts a program without any code of the benchmark in it. */
export function startBareProgram(options: ProgramOptions): Promise<Program> {
  return spawnUntilReady(options, "ignore");
}

function spawnUntilReady(options: ProgramOptions, channel: "ipc" | "ignore"): Promise<Program> {
  const { promise, resolve, reject } = Promise.withResolvers<Program>();
  const startedMs = performance.now();
  const child = spawn(process.execPath, options.args, {
    env: { PATH: process.env["PATH"], NODE_ENV: "production", ...options.env },
    stdio: ["ignore", "pipe", "inherit", channel],
  });
  let output = "";
  const lookForReady = (text: string): void => {
    output += text;
    const found = options.ready.exec(output);
    if (found === null) return;
    resolve(new Program(child, found[1] ?? "", performance.now() - startedMs));
    // From now on its log is read and dropped, because a full pipe would stop the program.
    child.stdout?.off("data", lookForReady).resume();
  };
  child.stdout?.setEncoding("utf8").on("data", lookForReady);
  child.once("error", reject);
  child.once("exit", (code) => {
    reject(new Error(`node ${options.args.join(" ")} ended with ${code} before it was ready.\n${output}`));
  });
  return promise;
}
