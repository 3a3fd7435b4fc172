import { type Config, ConfigError, loadConfig } from "../config/config.ts";
import { createGateway } from "../gateway/create-gateway.ts";
import { createLogger, openLogOutput } from "../telemetry/logger.ts";
import { asConfigError, checkFiles, withMistakesInFiles } from "./check-files.ts";
import { CommandError, type CommandIo } from "./command.ts";
import { describeConfig, startUpBanner } from "./start-up-banner.ts";

export interface ServeOptions {
  readonly local?: boolean;
}

/** Runs the gateway until a signal stops it. */
export async function serve(options: ServeOptions, io: CommandIo): Promise<void> {
  const config = await readConfig(options, io);
  // A person at a terminal gets readable logs in local mode. In server mode a log collector may provide a terminal.
  const readable = config.mode === "local" && (io.stdout as Partial<NodeJS.WriteStream>).isTTY === true;
  const format = readable ? (await import("../telemetry/readable-line.ts")).readableLine : undefined;
  const output = openLogOutput(format);
  const logger = createLogger({ level: config.logLevel, destination: output, format });
  const gateway = createGateway(config, { logger });
  await gateway.start().catch((error: unknown) => {
    throw asConfigError(error) ?? new CommandError(whyNotStarted(error, config), 1);
  });
  io.stdout.write(`${startUpBanner(config, gateway.address)}\n`);
  io.exitCode = undefined;
  // Write to the bounded output from here on: process.stdout queues without a limit while its reader stalls.
  const write = (text: string): void => output.write(`${text}\n`);
  let isStopping = false;
  const stop = (signal: string): void => {
    if (!isStopping) write(`${signal}: finishing the work under way, then stopping.`);
    isStopping = true;
    gateway.stop().then(
      () => {
        write("Stopped.");
        process.exit(0);
      },
      (error: unknown) => {
        io.stderr.write(`The gateway did not stop cleanly: ${(error as Error).message}\n`);
        process.exit(1);
      },
    );
  };
  // Not `once`: the terminal sends a signal to npm and to this process, and npm forwards it too. The second signal must
  // not end the process while a change is under way.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
}

/** Checks the configuration and the files that it names, and starts nothing. */
export async function checkConfig(options: ServeOptions, { env, stdout }: CommandIo): Promise<void> {
  const config = await readConfig(options, { env });
  await checkFiles(config);
  stdout.write(`${["The configuration is valid.", ...describeConfig(config)].join("\n")}\n`);
}

async function readConfig({ local }: ServeOptions, { env }: Pick<CommandIo, "env">): Promise<Config> {
  try {
    return loadConfig(env, local ? "local" : "server");
  } catch (error) {
    throw error instanceof ConfigError ? await withMistakesInFiles(error) : error;
  }
}

function whyNotStarted(error: unknown, { admin }: Config): string {
  const { code, message, address, port } = error as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
  };
  const variable = port === admin?.port ? "ADMIN_PORT" : "PORT";
  if (code === "EADDRINUSE")
    return `${address}:${port} is already in use. Stop what listens there, or set ${variable}.`;
  if (code === "EACCES")
    return `Not allowed to listen on ${address}:${port}. Set ${variable} to 1024 or above.`;
  if (code === "EADDRNOTAVAIL")
    return `This machine has no address ${address}. Set ${port === admin?.port ? "ADMIN_HOST" : "HOST"}.`;
  return `The gateway could not start: ${message}`;
}
