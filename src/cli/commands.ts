import { auditExport } from "./audit-export.ts";
import { auditVerify } from "./audit-verify.ts";
import { type Command, UsageError } from "./command.ts";
import { doctor } from "./doctor/doctor.ts";
import { migrateCommand } from "./migrate-command.ts";
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

/** The command that the words begin with, and the rest of them. @throws UsageError */
export function findCommand(words: readonly string[]): {
  readonly command: Command;
  readonly args: readonly string[];
} {
  const [first = "", second] = words;
  if (isCommand(first)) return { command: COMMANDS[first], args: words.slice(1) };
  const both = `${first}:${second}`;
  if (isCommand(both)) return { command: COMMANDS[both], args: words.slice(2) };
  throw new UsageError(`There is ${Object.keys(COMMANDS).join(", ")}, and no ${first}.`);
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
