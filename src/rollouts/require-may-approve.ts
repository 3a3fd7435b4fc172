import { sql } from "kysely";
import type { Caller } from "../auth/caller.ts";
import { decideAccess, mayUseAccount } from "../auth/policy/decide-access.ts";
import type { Policy } from "../auth/policy/policy.ts";
import { requestedSwitches } from "../changes/change-access.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { runRead } from "../database/statements.ts";
import { requestOfItem } from "./change-work.ts";
import { ITEM_BATCH, itemPages } from "./item-batches.ts";
import type { ItemImage, Rollout, SentFlagSets } from "./rollout.ts";

interface ApprovedItem {
  readonly item: number;
  readonly account: string;
  readonly opUin: Uin;
  readonly name?: string;
  readonly remark?: string;
  readonly before: ItemImage;
  readonly sent: SentFlagSets;
  /** The time by the database's clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/**
 * Requires that the policy allows the approver every item of a rollout. Takes the users' names and remarks from the
 * directory. The policy decides again when each item runs.
 *
 * @throws GatewayError FORBIDDEN for the first item that the policy does not allow.
 */
export async function requireMayApprove(
  database: Database,
  policy: Policy,
  { id, reason }: Pick<Rollout, "id" | "reason">,
  caller: Caller,
): Promise<void> {
  const pages = itemPages((after) =>
    runRead<ApprovedItem>(
      database,
      sql`
      select i.item, i.account, i.op_uin, i.name, d.remark, i.before_image as before, i.sent,
        extract(epoch from clock_timestamp())::float8 * 1000 as at_ms
      from mfa_rollout_item i left join directory_user d on d.account = i.account and d.op_uin = i.op_uin
      where i.rollout_id = ${id} and i.wave is not null and i.item > ${after} order by i.item limit ${ITEM_BATCH}`,
    ),
  );
  for await (const items of pages) {
    for (const item of items) requireAllowed(policy, item, reason, caller);
  }
}

function requireAllowed(policy: Policy, item: ApprovedItem, reason: string, caller: Caller): void {
  const { account, opUin, name = null, remark = "", atMs } = item;
  const refuse = (hint: string, rule: string): never => {
    throw new GatewayError("FORBIDDEN", {
      opUin,
      hint: `You may not make every change of it. ${hint}`,
      rule,
    });
  };
  if (!mayUseAccount(policy, caller, account))
    refuse(`It changes users of the account ${account}.`, "accounts");
  const question = { caller, atMs, account, user: { opUin, name, remark } };
  const verdict = decideAccess(policy, requestedSwitches(requestOfItem(item, account, reason)), question);
  if (verdict.effect === "allow") return;
  const rule = verdict.rule?.id ?? "(no rule)";
  refuse(`The policy (${rule}) refuses ${verdict.wanted} for the user ${opUin}.`, `policy ${rule}`);
}
