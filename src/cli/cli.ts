import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { KeyFileError } from "../audit/signing-keys.ts";
import { AuthFileError } from "../auth/auth-files.ts";
import { ConfigError, EX_CONFIG } from "../config/config.ts";
import { variableHelp } from "../config/variable-reference.ts";
import { DatabaseError } from "../database/database.ts";
import { PACKAGE_JSON } from "../gateway/package-paths.ts";
import { addAuditAcceptRestore } from "./audit-accept-restore.ts";
import { addAuditExport } from "./audit-export.ts";
import { addAuditPrune } from "./audit-prune.ts";
import { addAuditVerify } from "./audit-verify.ts";
import type { ServeOptions } from "./check-files.ts";
import { CommandError, type CommandIo, EX_CANNOT, usageErrorsAs } from "./command.ts";
import { EXIT_CODES, jsonLine, printsResult, withExitCodes } from "./command-result.ts";
import { addDoctor } from "./doctor/doctor.ts";
import { addEmulator } from "./emulator.ts";
import { addWebhooks } from "./manage-webhooks.ts";
import { addMfa } from "./mfa.ts";
import { addMigrate } from "./migrate-schema.ts";
import { addPolicyExplain } from "./policy-explain.ts";
import { addReport } from "./report.ts";
import { addRollout } from "./rollout/rollout-commands.ts";

/**
 * The command line `cam-gateway`: all commands, and the one place that turns an error into a message and an exit code.
 * Most commands are files of this folder that add themselves to the program. The gateway is in gateway/create-gateway.ts.
 */
export function createProgram(io: CommandIo): Command {
  const program = new Command("cam-gateway")
    .description("A GraphQL gateway that switches the MFA of Tencent Cloud sub-users on and off.")
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // runCommandLine writes every error.
      outputError: () => undefined,
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
    })
    .exitOverride(usageErrorsAs(EX_CANNOT))
    .version(JSON.parse(readFileSync(PACKAGE_JSON, "utf8")).version, "--version", "print the version")
    .addHelpText("after", NPM_SCRIPTS);
  addServe(program, io);
  addEmulator(program, io);
  addMigrate(program, io);
  const audit = program.command("audit").description("Export, verify or prune the record of changes.");
  addAuditExport(audit, io);
  addAuditVerify(audit, io);
  addAuditPrune(audit, io);
  addAuditAcceptRestore(audit, io);
  addPolicyExplain(program.command("policy").description("Explain what a policy decides."), io);
  addDoctor(program, io);
  addReport(program, io);
  addWebhooks(
    program.command("webhooks").description("List the receivers of events, and send dead letters again."),
    io,
  );
  addMfa(program.command("mfa").description("Read or change a user through a running gateway."), io);
  addRollout(program.command("rollout").description("Change many users by a plan."), io);
  return program;
}

const LOCAL = [
  "--local",
  "local mode: start missing parts, such as a CAM emulator, on this machine",
] as const;

/** Adds `serve` and `check-config`. They load the gateway only when they run: other commands do not need it. */
function addServe(program: Command, io: CommandIo): void {
  const serve = program
    .command("serve")
    .description("Start the gateway: server mode, or local mode with --local.")
    .option(...LOCAL)
    .option(...PORT)
    .option("--check-config", "only check the configuration, as check-config does")
    .exitOverride(usageErrorsAs(EX_CONFIG))
    .action(async ({ checkConfig, ...options }: ServeOptions & { readonly checkConfig?: boolean }) => {
      if (checkConfig !== true) return (await import("./serve.ts")).serve(options, io);
      const { lines } = await (await import("./check-files.ts")).checkConfig(options, io);
      io.stdout.write(`${lines.join("\n")}\n`);
    });
  withExitCodes(serve).addHelpText("after", `\n${variableHelp()}`);
  const check = program
    .command("check-config")
    .description("Check the configuration and the files that it names, without any connection.")
    .option(...LOCAL)
    .option(...PORT)
    .exitOverride(usageErrorsAs(EX_CONFIG))
    .addHelpText("after", "\ncam-gateway serve --help lists the variables.");
  printsResult(check, io, async (options: ServeOptions) =>
    (await import("./check-files.ts")).checkConfig(options, io),
  );
}

const PORT = ["--port <port>", "the port to listen on (PORT)"] as const;

const HELP_WIDTH = 110;

const NPM_SCRIPTS = `
In a checkout, npm builds the project and runs a command:
  npm start                    serve --local
  npm run server               serve
  npm run emulator             emulator
  npm run migrate              migrate
  npm run check-config         check-config
  npm run audit:export         audit export
  npm run audit:verify         audit verify
  npm run audit:prune          audit prune
  npm run audit:accept-restore audit accept-restore
  npm run policy:explain       policy explain
  npm run doctor               doctor
  npm run report               report
  npm run mfa                  mfa
  npm run rollout              rollout
  npm run webhooks             webhooks
npm passes options after --, for example npm start -- --port 4010.`;

/** Runs one command line and resolves with its exit code, or with undefined while a server runs. */
export async function runCommandLine(
  args: readonly string[],
  io: Omit<CommandIo, "exitCode">,
): Promise<number | undefined> {
  const running: CommandIo = { ...io, exitCode: 0 };
  try {
    await createProgram(running).parseAsync(args, { from: "user" });
    return running.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_CANNOT;
    const exitCode = exitCodeOf(error);
    const message = messageOf(error);
    if (args.includes("--json")) {
      io.stdout.write(jsonLine(commandIn(args), exitCode, { error: { message, ...factsOf(error) } }));
    } else {
      io.stderr.write(`${message}\n`);
    }
    return exitCode;
  }
}

/** Returns the command of a command line that failed, perhaps before it was parsed. */
function commandIn(args: readonly string[]): string | null {
  return Object.keys(EXIT_CODES).find((name) => `${args.join(" ")} `.startsWith(`${name} `)) ?? null;
}

/** The errors with a message for the person at the terminal. */
const EXPLAINED = [AuthFileError, CommandError, ConfigError, DatabaseError, KeyFileError];

function messageOf(error: unknown): string {
  const { message, code } = error as Error & { readonly code?: string };
  // PostgreSQL: undefined_table, undefined_function.
  if (code === "42P01" || code === "42883") {
    return "This database lacks the record of this release. Start the gateway, or run: npm run migrate";
  }
  return EXPLAINED.some((kind) => error instanceof kind) ? message : `The command failed: ${message}`;
}

function factsOf(error: unknown): object {
  if (error instanceof CommandError) return error.facts;
  return error instanceof ConfigError || error instanceof AuthFileError ? { problems: error.problems } : {};
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  return error instanceof ConfigError || error instanceof AuthFileError ? EX_CONFIG : EX_CANNOT;
}
