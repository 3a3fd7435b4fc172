import { expect, test } from "vitest";
import { createCamGatewayClient } from "../../src/client/index.ts";
import { startAccountsWorld } from "../http/accounts/accounts-world.ts";
import { ALICE, BOB } from "../support/seed-users.ts";

test("the client reads and changes users of a named account", async () => {
  const world = await startAccountsWorld({ everybody: true });
  const client = createCamGatewayClient({ url: world.gateway.address.url });
  const account = "partner";
  const change = { opUin: ALICE, account, login: { phone: true } };
  expect(await client.setSubUserMfa(change)).toMatchObject({
    change: { account },
    subUser: { id: `partner/${ALICE}`, account, mfa: { login: { phone: true } } },
  });
  expect(await client.trySetSubUserMfa({ ...change, account: "nobody's" })).toMatchObject({
    __typename: "CamFailure",
    code: "UNKNOWN_ACCOUNT",
  });
  expect(await client.subUser(ALICE, { account })).toMatchObject({ account, remark: "of the partner" });
  expect(await client.subUser(ALICE)).toMatchObject({ account: "default", mfa: { login: { phone: false } } });
  expect((await client.subUsers([BOB, ALICE], { account })).map((user) => user?.account)).toEqual([
    account,
    account,
  ]);
  expect((await client.mfaChanges({ account })).edges).toMatchObject([{ node: { account, opUin: ALICE } }]);
  expect((await client.mfaChanges({ account: "default" })).edges).toEqual([]);
  expect(new Set((await client.camQuota()).map((quota) => quota.account))).toEqual(
    new Set(["default", account]),
  );
});
