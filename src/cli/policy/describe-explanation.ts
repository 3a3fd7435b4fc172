import type { AccessQuestion } from "../../auth/policy/decide-access.ts";
import { OVERRIDE } from "../../auth/policy/decide-access.ts";
import type { ExplainedSwitch, Explanation } from "./explain-access.ts";

/** Returns the report, with the checks that it leaves out. */
export function describeExplanation(
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
