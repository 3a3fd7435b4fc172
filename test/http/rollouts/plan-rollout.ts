import { expect, vi } from "vitest";
import type { Reply } from "../../support/start-gateway.ts";

type Send = (query: string, variables?: Record<string, unknown>) => Promise<Reply>;

/** A rollout as the tests read it. */
export interface SeenRollout {
  readonly id: string;
  readonly status: string;
  readonly code: string | null;
  readonly hint: string | null;
  readonly planHash: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly price: Readonly<Record<string, unknown>> | null;
  readonly items: { readonly totalCount: number; readonly nodes: readonly SeenItem[] };
}

export interface SeenItem {
  readonly item: number;
  readonly account: string | null;
  readonly opUin: string;
  readonly name: string | null;
  readonly state: string;
  readonly code: string | null;
  readonly why: string | null;
  readonly wave: number | null;
}

const SEEN = `{
  id status code hint planHash maxFailures approvalMinutes
  counts { willChange alreadySo blocked atRisk excused changedSince }
  price { camCalls seconds slowestAccount secondsByAccount { account users camCalls seconds } budgetSeconds failuresAllowed usersLosingProtection }
  progress { total done waves }
  items(first: 100) { totalCount nodes { item account opUin name state code why wave } }
}`;

/** Returns the input of a plan that switches login protection by SMS on for all users. */
export function planOf(more: object = {}): Record<string, unknown> {
  return {
    ...{ name: "Everybody", reason: "Policy 7", selection: {}, desired: { login: { phone: true } } },
    ...more,
  };
}

export function askForPlan(send: Send, input: object): Promise<Reply> {
  const variables = { input };
  return send(
    `mutation ($input: PlanMfaRolloutInput!) { planMfaRollout(input: $input) { id status } }`,
    variables,
  );
}

/** Plans a rollout and returns it once the plan is made or has failed. */
export async function planned(send: Send, input: object): Promise<SeenRollout> {
  const { data, errors } = await askForPlan(send, input);
  expect(errors).toEqual([]);
  return whenPlanned(send, (data as { planMfaRollout: { id: string } }).planMfaRollout.id);
}

export async function whenPlanned(send: Send, id: string): Promise<SeenRollout> {
  return vi.waitFor(
    async () => {
      const rollout = await read(send, id);
      expect(rollout?.status).not.toBe("PLANNING");
      return rollout as SeenRollout;
    },
    { timeout: 60_000, interval: 100 },
  );
}

export async function read(send: Send, id: string): Promise<SeenRollout | null> {
  const { data, errors } = await send(`query ($id: ID!) { mfaRollout(id: $id) ${SEEN} }`, { id });
  expect(errors).toEqual([]);
  return (data as { mfaRollout: SeenRollout | null }).mfaRollout;
}
