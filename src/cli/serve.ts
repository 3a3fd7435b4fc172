import { type Config, ConfigError, EX_CONFIG, loadConfig } from "../config/config.ts";
import { USAGE } from "../config/usage.ts";
import { createGateway } from "../gateway/create-gateway.ts";
import { createLogger, openLogOutput } from "../telemetry/logger.ts";
import { asConfigError, checkFiles, withMistakesInFiles } from "./check-files.ts";
import { endOnCrash } from "./end-on-crash.ts";
import { describeConfig, startUpBanner } from "./start-up-banner.ts";

/** Arguments and environment in, signals, exit codes, and words for the person at the terminal. */
async function run(): Promise<number | undefined> {
  const command = loadConfig(process.env, process.argv.slice(2));
  if (command.kind === "help") {
    console.log(USAGE);
    return 0;
  }
  if (command.kind === "check-config") {
    await checkFiles(command.config);
    console.log(["The configuration is valid.", ...describeConfig(command.config)].join("\n"));
    return 0;
  }
  const { config } = command;
  const readable = isForPerson(config);
  const stdout = openLogOutput(readable);
  const logger = createLogger({ level: config.logLevel, destination: stdout, readable });
  const gateway = createGateway(config, { logger });
  await gateway.start();
  console.log(startUpBanner(config, gateway.address));
  // From now on the reader may have stalled, and the console would queue without a bound.
  const say = (text: string): void => stdout.write(`${text}\n`);
  let isStopping = false;
  const stop = (signal: string): void => {
    if (!isStopping) say(`${signal}: stopping once what is under way is finished.`);
    isStopping = true;
    gateway.stop().then(
      () => {
        say("Stopped.");
        process.exit(0);
      },
      (error: unknown) => {
        console.error(`The gateway did not stop cleanly: ${(error as Error).message}`);
        process.exit(1);
      },
    );
  };
  // Not `once`: a signal often comes twice, as npm hands on what the terminal already sent to both, and the second
  // must not end a change that is under way.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  return undefined;
}

/** At a terminal local mode talks to a person. What collects the log of a server may well give it one too. */
function isForPerson({ mode }: Config): boolean {
  return mode === "local" && process.stdout.isTTY;
}

function explain(error: unknown): string {
  const { code, message, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (code === "EADDRINUSE")
    return `${address}:${port} is already in use. Stop what listens there, or set PORT.`;
  if (code === "EACCES") return `Not allowed to listen on ${address}:${port}. Set PORT to 1024 or above.`;
  return `The gateway could not start: ${message}`;
}

/** Runs the gateway, or says why not, and sets the exit code. */
export async function serve(): Promise<void> {
  endOnCrash();
  try {
    const exitCode = await run();
    if (exitCode !== undefined) process.exitCode = exitCode;
  } catch (error) {
    const mistake = error instanceof ConfigError ? await withMistakesInFiles(error) : asConfigError(error);
    console.error(mistake?.message ?? explain(error));
    process.exitCode = mistake === undefined ? 1 : EX_CONFIG;
  }
}
