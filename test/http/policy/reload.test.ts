import { expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { FILE_POLL_MS } from "../../../src/poller.ts";
import { ALICE, CAROL } from "../../support/seed-users.ts";
import { type Outcome, startPolicyWorld } from "./policy-world.ts";

/** The system clock, with a shorter sleep between polls of the policy file. */
const HASTY = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === FILE_POLL_MS ? 20 : ms, signal),
};

/** Returns a policy that allows changes of one user only. */
const only = (id: string, opUin: string) => ({ rules: [{ id, effect: "allow", users: { uins: [opUin] } }] });
const BEFORE = only("alice-alone", ALICE);
const AFTER = only("carol-alone", CAROL);

const CALLERS = 8;

test("a policy that changes under traffic fails no request, and each request uses one whole policy", async () => {
  const { change, ask, write, logLines } = await startPolicyWorld(BEFORE, { clock: HASTY });
  const inForce = () => logLines.filter((line) => line.includes("the policy is in force")).length;
  let isOver = false;
  let answered = 0;
  const failed: unknown[] = [];
  /** Sends requests of one caller until the end. Each change has its own reason, so that no caller joins another's. */
  async function traffic(subject: string): Promise<void> {
    while (!isOver) {
      const wanted = (opUin: string) => ({ opUin, login: { phone: true }, reason: `${subject} ${answered}` });
      for (const opUin of [ALICE, CAROL]) {
        const outcome = await change(wanted(opUin), subject);
        if (!isAllowed(outcome) && !isRefused(outcome)) failed.push(outcome);
        const { data, errors } = await ask(`{ subUser(opUin: "${opUin}") { name } }`, {}, subject);
        if (errors.length > 0 || data === null) failed.push(errors);
        answered += 2;
      }
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, at) => traffic(`caller-${at}`)));
  const answersAfter = async (more: number) =>
    expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(answered + more);
  await answersAfter(20);
  await write("rules: [");
  const unusable = () => logLines.filter((line) => line.includes("policy.unusable"));
  await expect.poll(() => unusable().length).toBe(1);
  // The log has the problem once, without a stack trace.
  const [line = "{}"] = unusable();
  const { level, time: _, msg: __, ...told } = JSON.parse(line) as Record<string, unknown>;
  expect({ level, ...told }).toEqual({
    level: "error",
    event: "policy.unusable",
    problems: [expect.stringMatching(/^POLICY_FILE \S+: .*\.$/)],
  });
  await answersAfter(20);
  expect(isAllowed(await change({ opUin: ALICE, login: { phone: true } }, "wang"))).toBe(true);
  await write(AFTER);
  await expect.poll(inForce).toBe(2);
  expect(isRefused(await change({ opUin: ALICE, login: { phone: true } }, "wang"))).toBe(true);
  expect(isAllowed(await change({ opUin: CAROL, login: { phone: true } }, "wang"))).toBe(true);
  await answersAfter(20);
  isOver = true;
  await callers;
  expect(failed).toEqual([]);
});

test("an idempotency key returns no outcome to a caller whose change the policy no longer allows", async () => {
  const { change, write, logLines } = await startPolicyWorld(BEFORE, { clock: HASTY });
  const asking = { idempotencyKey: "key-1" };
  expect(isAllowed(await change({ opUin: ALICE, login: { phone: true } }, "wang", asking))).toBe(true);
  await write(AFTER);
  await expect.poll(() => logLines.filter((line) => line.includes("the policy is in force")).length).toBe(2);
  expect(isRefused(await change({ opUin: ALICE, login: { phone: true } }, "wang", asking))).toBe(true);
});

function isAllowed(outcome: Outcome): boolean {
  return "id" in outcome;
}

function isRefused(outcome: Outcome): boolean {
  return "code" in outcome && outcome.code === "FORBIDDEN" && outcome.message.includes("No rule allows");
}
