import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { whenOver } from "./when-over.ts";

export interface Program {
  readonly child: ChildProcess;
  /** What it has printed so far, on either stream. */
  readonly lines: readonly string[];
  /** Resolves with the first line that matches; rejects where it ends before there is one. */
  line(pattern: RegExp): Promise<string>;
  /** Its exit code, once everything that writes to its output has ended, and all of that output. */
  end(): Promise<{ readonly code: number | null; readonly output: string }>;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** In a process group of its own, as a terminal starts programs: `process.kill(-pid)` is Ctrl-C. */
  readonly detached?: boolean;
}

/** Runs a program. Stops it after the test, or after the file if called outside a test, and waits for its exit. */
export function startProgram(
  command: string,
  argv: readonly string[],
  options: ProgramOptions = {},
): Program {
  const child = spawn(command, argv, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close") as Promise<[number | null]>;
  whenOver(async () => {
    child.kill("SIGTERM");
    await closed;
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  return {
    child,
    lines,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => pattern.test(line));
          if (found !== undefined) resolve(found);
        };
        waiting.add(look);
        look();
        void closed.then(() => reject(new Error(`It ended without ${pattern}:\n${lines.join("\n")}`)));
      }),
    end: async () => {
      const [code] = await closed;
      return { code, output: lines.join("\n") };
    },
  };
}
