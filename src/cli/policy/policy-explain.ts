import { loadPolicy } from "../../auth/policy/policy-file.ts";
import { systemClock } from "../../clock.ts";
import { EX_CONFIG } from "../../config/config.ts";
import type { CommandIo } from "../command.ts";
import { describeExplanation } from "./describe-explanation.ts";
import { explainAccess } from "./explain-access.ts";
import { parseExplainFlags } from "./explain-flags.ts";

const USAGE = `Usage: npm run policy:explain -- --caller SUBJECT --op-uin UIN [flags]
       npx cam-gateway policy explain --caller SUBJECT --op-uin UIN [flags]

Says which rule of a policy decides whether a caller may change a user. It asks nobody: no gateway, and not CAM.

  --caller SUBJECT  the caller, as the token's sub has it
  --client NAME     the program that acts for the caller (azp or client_id)
  --issuer URL      the token's iss
  --op-uin UIN      the user whom the change is about
  --name NAME       the user's name in CAM
  --remark TEXT     the user's remark in CAM, where the tags are
  --switch SWITCH   what is to be switched: login.phone.on, or a pattern such as *.off; several times for more.
                    Every switch without it
  --account NAME    an account of CAM_ACCOUNTS (default: default)
  --at TIME         when, with the zone: 2026-11-24T10:30:00+08:00 (default: now)
  --override        the caller has the scope cam.mfa:override and gives a reason
  --policy FILE     the policy (default: POLICY_FILE)

Exit codes: 0 all of it is allowed, 1 some of it is refused, 78 it cannot be told from what was given.`;

/** Explains what a policy decides, by the same functions as the gateway. */
export async function policyExplain({ args, env, stdout }: CommandIo): Promise<number> {
  const policyFile = env["POLICY_FILE"]?.trim() || undefined;
  const flags = parseExplainFlags(args, { policyFile, nowMs: systemClock.now() });
  if (flags === undefined) {
    stdout.write(`${USAGE}\n`);
    return 0;
  }
  const policy = await loadPolicy(flags.policyFile);
  const explanation = explainAccess(policy, flags.switches, flags.question, flags.overrides);
  stdout.write(`${describeExplanation(flags, explanation).join("\n")}\n`);
  return EXIT_CODES[explanation.outcome];
}

const EXIT_CODES = { allowed: 0, refused: 1, unknown: EX_CONFIG } as const;
