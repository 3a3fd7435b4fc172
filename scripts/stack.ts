/** The topology of docker-compose.yml as processes: `npm run stack`. See scripts/stack/stack-options.ts. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Stack } from "./stack/stack.ts";
import { parseStackOptions, type StackOptions, USAGE } from "./stack/stack-options.ts";

/** sysexits.h EX_USAGE. */
const EX_USAGE = 64;

function build(): void {
  const script = join(import.meta.dirname, "build-if-needed.mjs");
  const { status } = spawnSync(process.execPath, [script], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

async function run(options: StackOptions): Promise<void> {
  const stack = new Stack(options, (line) => console.log(line));
  // More than one may come: npm passes on the one that the terminal has sent already.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stack.end());
  process.exitCode = await stack.run(process.env);
}

try {
  const options = parseStackOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
  } else {
    build();
    await run(options);
  }
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = EX_USAGE;
}
