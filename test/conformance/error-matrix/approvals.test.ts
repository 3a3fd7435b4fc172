import { beforeAll, expect, test } from "vitest";
import { describeCamError } from "../../../src/contract/index.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { asSubgraph, sendTo } from "../../support/started-router.ts";
import { putUsers } from "../support/put-users.ts";
import { ROUTER_SETTINGS } from "../support/routers.ts";
import { unwrapped } from "./unwrapped.ts";

const OP_UIN = "100021970001";
const CHANGE = `mutation { setSubUserMfa(opUin: "${OP_UIN}", login: { phone: true }) { change { id } } }`;
const THROWING = "mutation ($id: ID!) { approveMfaChange(id: $id) { requestId } }";
const TRYING = `mutation ($id: ID!) {
  tryApproveMfaChange(id: $id) { ... on CamFailure { code category message retryable requestId } }
}`;

let gateway: StartedGateway;
/** The id of a change that needs no approval. */
let id: string;

beforeAll(async () => {
  gateway = await startGateway(UNLIMITED);
  putUsers(gateway.cam, [OP_UIN]);
  const data = (await gateway.send(CHANGE)).data as { setSubUserMfa: { change: { id: string } } };
  id = data.setSubUserMfa.change.id;
});

const CASES = ROUTER_SETTINGS.flatMap((router) => [
  { ...router, code: "APPROVAL_NOT_AWAITED" as const, ofChange: (): string => id },
  {
    ...router,
    code: "CHANGE_NOT_FOUND" as const,
    ofChange: (): string => "01a214fb-4c7b-7995-9cb4-003d7d16ced1",
  },
]);

test.each(CASES)("$code of an approval arrives through $id", async ({ start, code, ofChange }) => {
  const url = await start(asSubgraph(gateway));
  const variables = { id: ofChange() };
  const { category, message, retryable } = describeCamError(code);
  const facts = { code, category, retryable, requestId: expect.stringMatching(/./) };
  expect(await sendTo(url, TRYING, variables)).toMatchObject({
    data: { tryApproveMfaChange: { ...facts, message: expect.stringContaining(message) } },
    errors: [],
  });
  const thrown = await sendTo(url, THROWING, variables);
  expect(thrown.data).toEqual({ approveMfaChange: null });
  const [error, ...others] = thrown.errors.flatMap(unwrapped);
  expect(others).toEqual([]);
  expect(error?.path).toEqual(["approveMfaChange"]);
  expect([code, undefined]).toContain(error?.extensions?.["code"]);
});
