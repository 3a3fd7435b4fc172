import { type Command, InvalidArgumentError } from "commander";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import {
  type AccessQuestion,
  decideSwitch,
  isInAnyRange,
  type Mismatch,
  matchRule,
  mayUseAccount,
  OVERRIDE,
  type Verdict,
} from "../auth/policy/decide-access.ts";
import { matchesGlob, type Policy, SWITCHES, type Switch } from "../auth/policy/policy.ts";
import { loadPolicy } from "../auth/policy/policy-file.ts";
import { systemClock } from "../clock.ts";
import { EX_CONFIG } from "../config/config.ts";
import { explainUin, parseUin, type Uin } from "../contract/index.ts";
import { CommandError, type CommandIo, collect, usageErrorsAs } from "./command.ts";
import { type CommandResult, printsResult } from "./command-result.ts";

interface ExplainOptions {
  readonly caller: string;
  readonly client?: string;
  readonly issuer?: string;
  readonly opUin: Uin;
  readonly name?: string;
  readonly remark?: string;
  readonly switch?: readonly string[];
  readonly account: string;
  readonly at?: number;
  readonly override?: boolean;
  readonly policy?: string;
}

const EXIT_CODES = { allowed: 0, refused: 1, unknown: EX_CONFIG } as const;

/** Adds `policy explain`, which decides by the same functions as the gateway and calls neither the gateway nor CAM. */
export function addPolicyExplain(policy: Command, io: CommandIo): void {
  const command = policy
    .command("explain")
    .description("Name the rule of a policy that decides whether a caller may change a user. Makes no call.")
    .requiredOption("--caller <subject>", "the caller: the token's sub", parseSubject)
    .option("--client <name>", "the program that acts for the caller: the token's azp or client_id")
    .option("--issuer <url>", "the token's iss")
    .requiredOption("--op-uin <uin>", "the user to change", parseOpUin)
    .option("--name <name>", "the user's name in CAM")
    .option("--remark <text>", "the user's remark in CAM, which holds the tags")
    .option(
      "--switch <switch>",
      "a switch such as login.phone.on, or a pattern such as *.off; repeatable (default: every switch)",
      parseSwitch,
    )
    .option("--account <name>", "an account of CAM_ACCOUNTS", DEFAULT_ACCOUNT)
    .option("--at <time>", "the time with its zone, 2026-11-24T10:30:00+08:00 (default: now)", parseTime)
    .option("--override", "the caller has the scope cam.mfa:override and gives a reason")
    .option("--policy <file>", "the policy (default: POLICY_FILE)")
    .exitOverride(usageErrorsAs(EX_CONFIG));
  printsResult(command, io, (options: ExplainOptions) => explain(options, io));
}

async function explain(options: ExplainOptions, io: CommandIo): Promise<CommandResult> {
  const { caller: subject, client, issuer, account, name, remark, opUin, override = false } = options;
  const { switch: patterns = ["*"] } = options;
  const policyFile = options.policy ?? (io.env["POLICY_FILE"]?.trim() || undefined);
  if (policyFile === undefined) throw new CommandError("Give --policy FILE, or set POLICY_FILE.", EX_CONFIG);
  const question = {
    caller: { subject, client, issuer },
    account,
    user: { opUin, name, remark },
    atMs: options.at ?? systemClock.now(),
  };
  const wanted = SWITCHES.filter((one) => patterns.some((pattern) => matchesGlob(pattern, one)));
  const explanation = explainAccess(await loadPolicy(policyFile), wanted, question, override);
  const { outcome, isProtected, switches } = explanation;
  return {
    exitCode: EXIT_CODES[outcome],
    lines: describeExplanation(question, override, explanation),
    result: {
      ...{ outcome, isProtected, mayUseAccount: explanation.mayUseAccount },
      switches: switches.map(({ wanted, verdict, missing }) => ({
        ...{ switch: wanted, effect: verdict.effect, rule: verdict.rule?.id ?? null, missing },
      })),
    },
  };
}

function parseSubject(text: string): string {
  if (text === "") throw new InvalidArgumentError("Give the token's sub.");
  return text;
}

function parseOpUin(text: string): Uin {
  const uin = parseUin(text);
  if (uin === undefined) throw new InvalidArgumentError(explainUin(text));
  return uin;
}

function parseTime(text: string): number {
  const atMs = Date.parse(text);
  const hasZone = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(text);
  if (!hasZone || Number.isNaN(atMs)) {
    throw new InvalidArgumentError("Give a time with its zone, for example 2026-11-24T10:30:00+08:00.");
  }
  return atMs;
}

function parseSwitch(pattern: string, previous?: readonly string[]): readonly string[] {
  if (!SWITCHES.some((name: Switch) => matchesGlob(pattern, name))) {
    throw new InvalidArgumentError(`Give one of ${SWITCHES.join(", ")}, or a pattern such as *.off.`);
  }
  return collect(pattern, previous);
}

/** Returns the report, with the checks that it leaves out. */
function describeExplanation(
  question: AccessQuestion,
  overrides: boolean,
  explanation: Explanation,
): string[] {
  const { switches } = explanation;
  return [
    ...describeQuestion(question),
    "",
    ...describeSwitches(switches),
    "",
    ...describeAccount(question, explanation),
    describeProtection(explanation, overrides),
    "This does not check in CAM whether the user is the account itself or owns the gateway's key. " +
      "No caller may change those.",
    "This does not check scopes: the caller needs cam.mfa:write as well.",
    "",
    outcomeOf(explanation, overrides),
  ];
}

function describeQuestion({ caller, account, user, atMs }: AccessQuestion): string[] {
  const { subject, client, issuer } = caller;
  return [
    `caller   ${subject}, ${client === undefined ? "no client" : `client ${client}`}, ${issuer === undefined ? "no issuer" : `issuer ${issuer}`}`,
    `user     ${user.opUin}, ${given("name", user.name)}, ${given("remark", user.remark)}`,
    `account  ${account}`,
    `at       ${new Date(atMs).toISOString()}`,
  ];
}

function given(what: string, text: string | null | undefined): string {
  return typeof text === "string" ? `${what} ${JSON.stringify(text)}` : `${what} not given`;
}

function describeSwitches(switches: readonly ExplainedSwitch[]): string[] {
  const width = Math.max(...switches.map(({ wanted }) => wanted.length));
  return switches.flatMap((explained) => [
    `${explained.wanted.padEnd(width)}  ${describeVerdict(explained)}`,
    // With several switches the list would be too long.
    ...(switches.length > 1 ? [] : explained.passedOver.map(({ id, by }) => `  not ${id}: other ${by}`)),
  ]);
}

function describeVerdict({ verdict, missing }: ExplainedSwitch): string {
  switch (verdict.effect) {
    case "allow": {
      const { id, approval } = verdict.rule;
      if (approval === undefined) return `allowed by the rule ${id}`;
      return `allowed by the rule ${id}, if another caller approves within ${approval.expiresInMinutes} minutes`;
    }
    case "deny":
      return verdict.rule === undefined
        ? "refused: no rule allows it"
        : `refused by the rule ${verdict.rule.id}`;
    case "read-profile":
      return `unknown: the rule ${verdict.rule.id} depends on the user's ${missing.join(" and ")}`;
  }
}

function describeAccount({ account }: AccessQuestion, { mayUseAccount }: Explanation): string[] {
  return mayUseAccount ? [] : [`The caller may not use the account ${account} (accounts).`];
}

function describeProtection({ isProtected }: Explanation, overrides: boolean): string {
  if (!isProtected) return "The user is not protected (protectedUsers).";
  const needed = `the scope ${OVERRIDE} and a reason`;
  return overrides
    ? `The user is protected (protectedUsers), which the caller overrides by ${needed}.`
    : `The user is protected (protectedUsers): a change needs ${needed} (--override: the caller has both).`;
}

function outcomeOf(explanation: Explanation, overrides: boolean): string {
  const { outcome, switches, isProtected, mayUseAccount } = explanation;
  switch (outcome) {
    case "allowed": {
      const needsApproval = switches.some(
        ({ verdict }) => verdict.effect === "allow" && verdict.rule.approval !== undefined,
      );
      return needsApproval ? "Allowed, once another caller approves." : "Allowed.";
    }
    case "refused": {
      const isOpen = mayUseAccount && (!isProtected || overrides);
      const isRefusedWhole = !isOpen || switches.every(({ verdict }) => verdict.effect === "deny");
      return isRefusedWhole ? "Refused." : "A part of it is refused.";
    }
    case "unknown": {
      const missing = new Set(switches.flatMap((explained) => explained.missing));
      return `Unknown: give ${[...missing].map((what) => `--${what}`).join(" and ")}, as in CAM.`;
    }
  }
}

/** The decision of a policy about a change. */
interface Explanation {
  readonly switches: readonly ExplainedSwitch[];
  readonly isProtected: boolean;
  readonly mayUseAccount: boolean;
  /** `unknown` if the decision depends on a missing fact about the user, and no other rule refuses. */
  readonly outcome: "allowed" | "refused" | "unknown";
}

interface ExplainedSwitch {
  readonly wanted: Switch;
  readonly verdict: Verdict;
  /** The rules before the one that decides, each with the part that does not match. */
  readonly passedOver: readonly { readonly id: string; readonly by: Mismatch }[];
  /** The missing facts about the user that the verdict needs. */
  readonly missing: readonly ("name" | "remark")[];
}

/** Decides as for a change and returns the reasons. `overrides`: the caller has cam.mfa:override and gives a reason. */
export function explainAccess(
  policy: Policy,
  wanted: readonly Switch[],
  question: AccessQuestion,
  overrides: boolean,
): Explanation {
  const switches = wanted.map((one) => explainSwitch(policy, one, question));
  const isProtected = isInAnyRange(policy.protectedUsers, question.user.opUin);
  const mayUse = mayUseAccount(policy, question.caller, question.account);
  const effects = switches.map(({ verdict }) => verdict.effect);
  const isRefused = !mayUse || (isProtected && !overrides) || effects.includes("deny");
  const outcome = isRefused ? "refused" : effects.includes("read-profile") ? "unknown" : "allowed";
  return { switches, isProtected, mayUseAccount: mayUse, outcome };
}

function explainSwitch(policy: Policy, wanted: Switch, question: AccessQuestion): ExplainedSwitch {
  const verdict = decideSwitch(policy, wanted, question);
  const decisive = verdict.rule === undefined ? policy.rules.length : policy.rules.indexOf(verdict.rule);
  const passedOver = policy.rules.slice(0, decisive).flatMap((rule) => {
    const match = matchRule(rule, wanted, question);
    return typeof match === "object" ? [{ id: rule.id, by: match.not }] : [];
  });
  const { names, tags } = (verdict.effect === "read-profile" ? verdict.rule.users : undefined) ?? {};
  const { name, remark } = question.user;
  const missing = [
    ...(names !== undefined && name === undefined ? (["name"] as const) : []),
    ...(tags !== undefined && remark === undefined ? (["remark"] as const) : []),
  ];
  return { wanted, verdict, passedOver, missing };
}
