import { expect, vi } from "vitest";
import { BOB, CAROL, FRANK, HEIDI } from "../../support/seed-users.ts";
import type { Reply } from "../../support/start-gateway.ts";
import type { RootArguments } from "./ways.ts";

type Ask = (query: string, sub: string) => Promise<Reply>;

/** A day on which no test runs, so that rollouts stay as they are. */
const NEVER = 'window: { timeZone: "Asia/Shanghai", days: ["DAY"], from: "00:00", to: "00:01" }';

/** CAROL has the method since an earlier change. */
function planText(opUin: string): string {
  const otherDay = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][(new Date().getUTCDay() + 3) % 7];
  return `(input: {
    name: "Access", reason: "Test", selection: { opUins: ["${opUin}"] }, desired: { login: { stoken: ${opUin !== CAROL} } }
    ${NEVER.replace("DAY", otherDay ?? "Mon")}
  })`;
}

/**
 * Returns arguments of orders that a rollout has taken already, because a repeated order has no effect. Plans them as
 * `caller`, who approves the rollout of another person. Changes of CAROL need an approval.
 */
export async function orderedRollouts(ask: Ask, caller: string): Promise<RootArguments> {
  const order = async (field: string, more: string, sub = caller): Promise<string> => {
    const { data, errors } = await ask(`mutation { ${field}${more} { id status } }`, sub);
    expect(errors).toEqual([]);
    return (data as Record<string, { id: string }>)[field]?.id ?? "";
  };
  const start = async (opUin: string, sub = caller): Promise<{ id: string; planned: string }> => {
    const id = await order("planMfaRollout", planText(opUin), sub);
    const planHash = await vi.waitFor(
      async () => {
        const { data } = await ask(`{ mfaRollout(id: "${id}") { status planHash } }`, sub);
        const { planHash: hash } = (data as { mfaRollout: { planHash: string | null } }).mfaRollout;
        expect(hash).not.toBeNull();
        return hash;
      },
      { timeout: 60_000 },
    );
    const planned = `(id: "${id}", planHash: "${planHash}")`;
    await order("startMfaRollout", planned, sub);
    return { id, planned };
  };
  const running = await start(BOB);
  const paused = await start(FRANK);
  await order("pauseMfaRollout", `(id: "${paused.id}")`);
  const cancelled = await start(HEIDI);
  await order("cancelMfaRollout", `(id: "${cancelled.id}")`);
  const withdrawn = await start(CAROL);
  await order("rejectMfaRollout", `(id: "${withdrawn.id}")`);
  const approved = await start(CAROL, "carol@example.com");
  await order("approveMfaRollout", approved.planned);
  const bundle = `(id: "${cancelled.id}")`;
  // The gateway seals the end of a rollout soon after it.
  await vi.waitFor(
    async () => expect((await ask(`{ mfaRolloutBundle${bundle} { lines } }`, caller)).errors).toEqual([]),
    { timeout: 60_000, interval: 200 },
  );
  return {
    mfaRolloutBundle: bundle,
    mfaRollout: `(id: "${running.id}")`,
    planMfaRollout: planText(BOB),
    planMfaRolloutUndo: `(id: "${cancelled.id}", reason: "Test")`,
    startMfaRollout: running.planned,
    approveMfaRollout: approved.planned,
    rejectMfaRollout: `(id: "${withdrawn.id}")`,
    pauseMfaRollout: `(id: "${paused.id}")`,
    resumeMfaRollout: `(id: "${running.id}")`,
    cancelMfaRollout: `(id: "${cancelled.id}")`,
    releaseMfaRolloutWave: `(id: "${running.id}", wave: 1)`,
  };
}
