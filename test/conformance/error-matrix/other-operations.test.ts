import { beforeAll, describe, expect, test } from "vitest";
import { type CamErrorCode, describeCamError } from "../../../src/contract/index.ts";
import { planned, planOf } from "../../http/rollouts/plan-rollout.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { asSubgraph, sendTo } from "../../support/started-router.ts";
import { putUsers } from "../support/put-users.ts";
import { ROUTER_SETTINGS } from "../support/routers.ts";
import { unwrapped } from "./stable.ts";

const OP_UINS = ["100021970001", "100021970002"];
const CHANGE = `mutation { setSubUserMfa(opUin: "${OP_UINS[0]}", login: { phone: true }) { change { id } } }`;
const UNKNOWN_ID = "01a214fb-4c7b-7995-9cb4-003d7d16ced1";
const APPROVE = "mutation ($id: ID!) { approveMfaChange(id: $id) { requestId } }";
const TRY_TO_APPROVE = `mutation ($id: ID!) {
  tryApproveMfaChange(id: $id) { ... on CamFailure { code category message retryable requestId } }
}`;
const PLAN = "mutation ($input: PlanMfaRolloutInput!) { planMfaRollout(input: $input) { id } }";
const START =
  "mutation ($id: ID!, $planHash: String!) { startMfaRollout(id: $id, planHash: $planHash) { id } }";
const RESUME = "mutation ($id: ID!) { resumeMfaRollout(id: $id) { id } }";

let gateway: StartedGateway;
/** A change that needs no approval. */
let changeId: string;
/** A plan for users whom an open rollout holds. */
let plan: { readonly id: string; readonly planHash: string | null };

beforeAll(async () => {
  gateway = await startGateway({ ...UNLIMITED, env: { ...UNLIMITED.env, BULK_GUARD_USERS: "1" } });
  putUsers(gateway.cam, OP_UINS);
  const data = (await gateway.send(CHANGE)).data as { setSubUserMfa: { change: { id: string } } };
  changeId = data.setSubUserMfa.change.id;
  const input = planOf({ selection: { opUins: OP_UINS }, desired: { action: { phone: true } } });
  const { id, planHash } = await planned(gateway.send, input);
  // It awaits an approval, because it has more users than the bulk guard allows to one person.
  expect((await gateway.send(START, { id, planHash })).errors).toEqual([]);
  plan = await planned(gateway.send, input);
});

interface Case {
  readonly code: CamErrorCode;
  readonly field: string;
  readonly text: string;
  readonly variables: () => Record<string, unknown>;
  /** The same operation with errors as data. */
  readonly trying?: string;
}

/** The codes that no change of one user has. */
const CASES: readonly Case[] = [
  {
    ...{ code: "APPROVAL_NOT_AWAITED", field: "approveMfaChange", text: APPROVE, trying: TRY_TO_APPROVE },
    variables: () => ({ id: changeId }),
  },
  {
    ...{ code: "CHANGE_NOT_FOUND", field: "approveMfaChange", text: APPROVE, trying: TRY_TO_APPROVE },
    variables: () => ({ id: UNKNOWN_ID }),
  },
  {
    ...{ code: "ROLLOUT_SELECTION", field: "planMfaRollout", text: PLAN },
    variables: () => ({ input: planOf({ selection: { accounts: [] } }) }),
  },
  {
    ...{ code: "ROLLOUT_NOT_FOUND", field: "startMfaRollout", text: START },
    variables: () => ({ id: UNKNOWN_ID, planHash: plan.planHash }),
  },
  {
    ...{ code: "PLAN_CHANGED", field: "startMfaRollout", text: START },
    variables: () => ({ id: plan.id, planHash: "0".repeat(64) }),
  },
  {
    ...{ code: "USERS_IN_OTHER_ROLLOUT", field: "startMfaRollout", text: START },
    variables: () => ({ ...plan }),
  },
  {
    ...{ code: "ROLLOUT_STATUS", field: "resumeMfaRollout", text: RESUME },
    variables: () => ({ id: plan.id }),
  },
];

describe.each(ROUTER_SETTINGS)("through $id", ({ start }) => {
  let url: string;
  beforeAll(async () => {
    url = await start(asSubgraph(gateway));
  });

  test.each(CASES)("$code arrives", async ({ code, field, text, variables, trying }) => {
    const thrown = await sendTo(url, text, variables());
    expect(thrown.data).toEqual({ [field]: null });
    const [error, ...others] = thrown.errors.flatMap(unwrapped);
    expect(others).toEqual([]);
    expect(error?.path).toEqual([field]);
    // Some routers hide the code, as docs/consumers/routers.md says.
    expect([code, undefined]).toContain(error?.extensions?.["code"]);
    if (trying === undefined) return;
    const { category, message, retryable } = describeCamError(code);
    const facts = { code, category, retryable, requestId: expect.stringMatching(/./) };
    expect(await sendTo(url, trying, variables())).toMatchObject({
      data: { tryApproveMfaChange: { ...facts, message: expect.stringContaining(message) } },
      errors: [],
    });
  });
});

test.each(CASES)(
  "$code has its category, message and remedy without a router",
  async ({ code, field, text, variables }) => {
    const { errors } = await gateway.send(text, variables());
    const { category, message, retryable } = describeCamError(code);
    expect(errors).toMatchObject([
      { message: expect.stringContaining(message), path: [field], extensions: { code, category, retryable } },
    ]);
  },
);
