import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describeTakenPorts } from "./ports.ts";

/** sysexits.h EX_USAGE. */
export const EX_USAGE = 64;

/** A group of parts that run until stopped. */
export interface Parts {
  end(): void;
  /** @returns the exit code. */
  run(env: NodeJS.ProcessEnv): Promise<number>;
}

export interface PartsCommand<Options extends Readonly<Record<string, string>>> {
  readonly usage: string;
  /** @returns the ports by their flags, or undefined where the usage was asked for. @throws Error that says what is wrong. */
  parse(argv: readonly string[]): Options | undefined;
  create(options: Options, print: (line: string) => void): Parts;
}

/** Runs the command line of a group: checks the ports, builds, starts the parts, and stops them on a signal. */
export async function runParts<Options extends Readonly<Record<string, string>>>({
  usage,
  parse,
  create,
}: PartsCommand<Options>): Promise<void> {
  try {
    const options = parse(process.argv.slice(2));
    if (options === undefined) {
      console.log(usage);
      return;
    }
    const taken = await describeTakenPorts(options);
    if (taken !== undefined) {
      console.error(taken);
      process.exitCode = 1;
      return;
    }
    build();
    const parts = create(options, (line) => console.log(line));
    // More than one may come: npm passes on the one that the terminal has sent already.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => parts.end());
    process.exitCode = await parts.run(process.env);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exitCode = EX_USAGE;
  }
}

function build(): void {
  const script = join(import.meta.dirname, "../build-if-needed.mjs");
  const { status } = spawnSync(process.execPath, [script], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
