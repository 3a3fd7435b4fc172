import { expect, test } from "vitest";
import { ALICE, CAROL } from "../../support/seed-users.ts";
import type { PolicyChange } from "../../support/two-person-policy.ts";
import { ALICE_ASKS, BOB_ASKS, changeIdOf, outcomeOf, startApprovalWorld } from "./approval-world.ts";

const { one, ask, policy } = await startApprovalWorld([ALICE, CAROL]);
const { cam } = one;

async function awaiting(change: string): Promise<string> {
  return changeIdOf(await ask(ALICE_ASKS, `mutation { setSubUserMfa(${change}) { requestId } }`));
}

async function approve(id: string) {
  const { data, errors } = await ask(BOB_ASKS, `mutation { approveMfaChange(id: "${id}") { requestId } }`);
  return errors[0] ?? data;
}

/** Rewrites the policy and resolves when the new policy is in force. */
async function rewrite(change: PolicyChange): Promise<void> {
  const reloads = () => one.logLines.filter((line) => line.includes("the policy is in force")).length;
  const before = reloads();
  await policy.rewrite(change);
  await expect.poll(reloads, { timeout: 25_000, interval: 100 }).toBeGreaterThan(before);
}

function deny(subject: string): PolicyChange {
  return { rules: [{ id: `not-${subject}`, effect: "deny", callers: { subjects: [subject] } }] };
}

test("an approval is decided by the policy, the protected users and the user at the time of the approval", async () => {
  const [phone, last] = [
    await awaiting(`opUin: "${ALICE}", login: { phone: true }`),
    await awaiting(`opUin: "${CAROL}", login: { phone: false }`),
  ];

  await rewrite(deny("alice"));
  expect(await approve(phone)).toMatchObject({
    message: expect.stringContaining(
      "The requester may not make this change any more. The rule not-alice refuses login.phone.on.",
    ),
    extensions: { code: "FORBIDDEN", opUin: ALICE },
  });

  await rewrite(deny("bob"));
  expect(await approve(phone)).toMatchObject({
    message: expect.stringContaining("The rule not-bob refuses login.phone.on."),
    extensions: { code: "FORBIDDEN" },
  });

  await rewrite({ protectedUsers: [ALICE] });
  expect(await approve(phone)).toMatchObject({ extensions: { code: "PROTECTED_USER", opUin: ALICE } });

  // At the time of the request, operation protection was on as well.
  cam.putUser({ uin: CAROL, loginFlag: { Phone: 1 }, actionFlag: { Phone: 0 } });
  expect(await approve(last)).toMatchObject({ extensions: { code: "REASON_REQUIRED", opUin: CAROL } });

  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  const waiting = await ask(BOB_ASKS, "{ mfaChanges(status: AWAITING_APPROVAL) { nodes { id } } }");
  expect(outcomeOf(waiting)).toEqual({ nodes: [{ id: last }, { id: phone }] });

  await rewrite({});
  expect(await approve(phone)).toEqual({ approveMfaChange: { requestId: expect.any(String) } });
}, 120_000);
