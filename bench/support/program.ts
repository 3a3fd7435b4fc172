import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ProgramOptions {
  /** The arguments of `node`. */
  readonly args: readonly string[];
  /** The complete environment except PATH and NODE_ENV, so that the shell does not affect the figures. */
  readonly env?: Readonly<Record<string, string>>;
  /** Matches the line that the program prints when it is ready. */
  readonly ready: RegExp;
}

/** A child process that is ready. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  /** The text that `ready` captured, such as the address. */
  readonly told: string;
  /** The time from the start of the process to its ready line. */
  readonly startMs: number;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, told: string, startMs: number) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.told = told;
    this.startMs = startMs;
  }

  /** Sends a request to the program, one at a time. `answer-parent.ts` answers it. */
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

  /** Returns the CPU time since the start, in user and system mode. */
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

/** Starts a program that reports its own CPU time and heap on request. */
export function startProgram(options: ProgramOptions): Promise<Program> {
  return spawnUntilReady({ ...options, args: ["--import", REPORT_USAGE, ...options.args] }, "ipc");
}

/** Starts a program without code of the benchmark. */
export function startBareProgram(options: ProgramOptions): Promise<Program> {
  return spawnUntilReady(options, "ignore");
}

function spawnUntilReady(options: ProgramOptions, channel: "ipc" | "ignore"): Promise<Program> {
  const { promise, resolve, reject } = Promise.withResolvers<Program>();
  const startedMs = performance.now();
  const child = spawn(process.execPath, options.args, {
    env: { PATH: process.env["PATH"], NODE_ENV: "production", ...options.env },
    stdio: ["ignore", "pipe", "pipe", channel],
  });
  let output = "";
  const lookForReady = (text: string): void => {
    output += text;
    const found = options.ready.exec(output);
    if (found === null) return;
    resolve(new Program(child, found[1] ?? "", performance.now() - startedMs));
    // Read and drop the log from now on, because a full pipe would stop the program.
    child.stdout?.off("data", lookForReady).resume();
    child.stderr?.off("data", lookForReady).pipe(process.stderr);
  };
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", lookForReady);
  child.once("error", reject);
  child.once("exit", (code) => {
    reject(new Error(`node ${options.args.join(" ")} ended with ${code} before it was ready.\n${output}`));
  });
  return promise;
}
