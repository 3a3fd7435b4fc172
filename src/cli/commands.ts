import { auditExport } from "./audit-export.ts";
import { auditVerify } from "./audit-verify.ts";
import { type Command, UsageError } from "./command.ts";
import { doctor } from "./doctor/doctor.ts";
import { migrateCommand } from "./migrate-schema.ts";
import { policyExplain } from "./policy/policy-explain.ts";

/** What an operator runs by hand: each by `npm run NAME`, and by `npx cam-gateway` in one word or two. */
export const COMMANDS = {
  migrate: migrateCommand,
  "audit:export": auditExport,
  "audit:verify": auditVerify,
  doctor,
  "policy:explain": policyExplain,
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;

const SUMMARIES: Readonly<Record<CommandName, string>> = {
  migrate: "brings the database up to date, by a user that may change its schema",
  "audit:export": "writes the sealed record of changes to a file",
  "audit:verify": "says whether the record is as it was written",
  doctor: "says what a router does to the gateway's errors, and how to configure it",
  "policy:explain": "says which rule of a policy decides whether a caller may change a user",
};

export const USAGE = `Usage: npx cam-gateway COMMAND [flags]
       npm run COMMAND -- [flags], where the two words of a command have a colon between them

Commands, each of which explains its flags and exit codes itself (COMMAND --help):
${Object.entries(SUMMARIES)
  .map(([name, summary]) => `  ${inWords(name).padEnd(14)}  ${summary}`)
  .join("\n")}

The gateway itself is started by npm start (local mode) or npm run server.`;

/** The command that the words begin with, or that of the usage, and the rest of them. @throws UsageError */
export function findCommand(words: readonly string[]): {
  readonly command: Command;
  readonly args: readonly string[];
} {
  const [first = "", second] = words;
  if (["--help", "-h", "help"].includes(first)) return { command: printUsage, args: words.slice(1) };
  if (isCommand(first)) return { command: COMMANDS[first], args: words.slice(1) };
  const both = `${first}:${second}`;
  if (isCommand(both)) return { command: COMMANDS[both], args: words.slice(2) };
  const begun = Object.keys(COMMANDS).filter((name) => name.startsWith(`${first}:`));
  const problem =
    first === ""
      ? "Say a command."
      : begun.length === 0
        ? "There is no such command."
        : `Say which: ${begun.map(inWords).join(", ")}.`;
  throw new UsageError(`${problem}\n\n${USAGE}`);
}

async function printUsage({ stdout }: Parameters<Command>[0]): Promise<number> {
  stdout.write(`${USAGE}\n`);
  return 0;
}

function inWords(name: string): string {
  return name.replace(":", " ");
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
