import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface PartOptions<Fact extends string> {
  readonly name: string;
  /** Arguments of Node: the program, after what is loaded before it. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What either stream says once it is ready, each in a group: `{ url: /GraphQL +(\S+)/ }`. */
  readonly says: Readonly<Record<Fact, RegExp>>;
  /** How long it may take to stop before it is killed. */
  readonly patienceMs: number;
  /** Gets every line that it prints. */
  readonly print: (line: string) => void;
}

export interface Part<Fact extends string = string> {
  readonly name: string;
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  /** What it said. Stays pending where it ends before it has said everything. */
  readonly ready: Promise<Readonly<Record<Fact, string>>>;
  /** How it ended, in words. Never rejects. */
  readonly ended: Promise<string>;
  /** Tells it to stop and waits until it has. @returns whether it did so by itself. */
  stop(): Promise<boolean>;
}

/** How a process ended that did its work. */
export const SUCCESS = "ended with 0";

/** Starts one process of the stack. It stops when its standard input ends, as that of a killed parent does. */
export function startPart<Fact extends string>(options: PartOptions<Fact>): Part<Fact> {
  const { name, says, print } = options;
  // Detached: Ctrl-C in a terminal goes to every process of the group, and here there is an order to keep.
  const child = spawn(process.execPath, options.argv, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A part that is gone already does not take the news of its end.
  child.stdin.on("error", () => {});
  const { promise: ready, resolve } = Promise.withResolvers<Readonly<Record<Fact, string>>>();
  const facts = new Map<string, string>();
  const wanted = Object.entries<RegExp>(says);
  const read = (line: string): void => {
    print(line);
    for (const [fact, pattern] of wanted) {
      const [, text] = pattern.exec(line) ?? [];
      if (text !== undefined && !facts.has(fact)) facts.set(fact, text);
    }
    if (facts.size === wanted.length) resolve(Object.fromEntries(facts) as Record<Fact, string>);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", read);
  const ended = once(child, "close").then(
    ([code, signal]) => (signal === null ? `ended with ${code}` : `was ended by ${signal}`),
    (error: Error) => `could not be started: ${error.message}`,
  );
  return { name, pid: child.pid, ready, ended, stop };

  async function stop(): Promise<boolean> {
    let patient = true;
    const timer = setTimeout(() => {
      patient = false;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, options.patienceMs);
    child.stdin.end();
    await ended;
    clearTimeout(timer);
    return patient;
  }
}
