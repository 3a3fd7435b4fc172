import { parseArgs } from "node:util";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import type { AccessQuestion } from "../../auth/policy/decide-access.ts";
import { matchesGlob } from "../../auth/policy/patterns.ts";
import { SWITCHES, type Switch } from "../../auth/policy/policy.ts";
import { EX_CONFIG } from "../../config/config.ts";
import { explainUin, parseUin, type Uin } from "../../contract/index.ts";
import { UsageError } from "../command.ts";

export interface ExplainFlags {
  readonly policyFile: string;
  readonly question: AccessQuestion;
  readonly switches: readonly Switch[];
  /** Whether the caller has the scope that overrides protection, and gives a reason. */
  readonly overrides: boolean;
}

/**
 * Reads the flags of policy explain; undefined where help is asked for.
 * @throws UsageError
 */
export function parseExplainFlags(
  args: readonly string[],
  defaults: { readonly policyFile: string | undefined; readonly nowMs: number },
): ExplainFlags | undefined {
  const flags = parseFlags(args);
  if (flags.help) return undefined;
  const { caller: subject, client, issuer, account, name, remark } = flags;
  const policyFile = flags.policy ?? defaults.policyFile;
  if (policyFile === undefined) throw refuse("Say --policy FILE, or set POLICY_FILE.");
  if (!subject) throw refuse("Say --caller SUBJECT, as the token's sub has it.");
  return {
    policyFile,
    question: {
      caller: { subject, client, issuer },
      account,
      user: { opUin: parseOpUin(flags["op-uin"]), name, remark },
      atMs: flags.at === undefined ? defaults.nowMs : parseTime(flags.at),
    },
    switches: parseSwitches(flags.switch),
    overrides: flags.override,
  };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        caller: { type: "string" },
        client: { type: "string" },
        issuer: { type: "string" },
        "op-uin": { type: "string" },
        name: { type: "string" },
        remark: { type: "string" },
        switch: { type: "string", multiple: true, default: ["*"] },
        account: { type: "string", default: DEFAULT_ACCOUNT },
        at: { type: "string" },
        override: { type: "boolean", default: false },
        policy: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw refuse(`${(error as Error).message.split("\n")[0]?.replace(/\.?$/, ".")} Try --help.`);
  }
}

function parseOpUin(text: string | undefined): Uin {
  if (text === undefined) throw refuse("Say --op-uin UIN, the user whom the change is about.");
  const uin = parseUin(text);
  if (uin === undefined) throw refuse(explainUin(text));
  return uin;
}

function parseTime(text: string): number {
  const atMs = Date.parse(text);
  const hasZone = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(text);
  if (!hasZone || Number.isNaN(atMs)) {
    throw refuse("--at takes a time with its zone, for example 2026-11-24T10:30:00+08:00.");
  }
  return atMs;
}

function parseSwitches(patterns: readonly string[]): readonly Switch[] {
  for (const pattern of patterns) {
    if (SWITCHES.some((name) => matchesGlob(pattern, name))) continue;
    throw refuse(`--switch takes ${SWITCHES.join(", ")}, or a pattern such as *.off.`);
  }
  return SWITCHES.filter((name) => patterns.some((pattern) => matchesGlob(pattern, name)));
}

function refuse(message: string): UsageError {
  return new UsageError(message, EX_CONFIG);
}
