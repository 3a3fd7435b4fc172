import { expect, test } from "vitest";
import { ALICE, BOB } from "../../support/seed-users.ts";
import { codesOf, startAccountsWorld } from "./accounts-world.ts";

const CHANGE = `mutation ($opUin: Uin!, $account: String) {
  setSubUserMfa(opUin: $opUin, account: $account, login: { stoken: true }) { change { id account } }
}`;

test("a rule for one account does not match another account", async () => {
  const world = await startAccountsWorld({
    rules: [
      { id: "no-tagged-there", effect: "deny", accounts: ["partner"], users: { names: ["alice"] } },
      { id: "others", effect: "allow" },
    ],
  });
  const refused = await world.ask(CHANGE, "wang", { opUin: ALICE, account: "partner" });
  expect(refused.errors).toMatchObject([
    { message: expect.stringContaining("The rule no-tagged-there refuses login.stoken.on.") },
  ]);
  // The gateway read the name from the partner's CAM.
  expect(world.partner.counters()["DescribeSubAccounts"]?.received).toBe(1);
  expect(world.cam.counters()["DescribeSubAccounts"]).toBeUndefined();
  expect((await world.ask(CHANGE, "wang", { opUin: ALICE })).errors).toEqual([]);
  expect((await world.ask(CHANGE, "wang", { opUin: BOB, account: "partner" })).errors).toEqual([]);
});

test("a waiting change is approved in its account, by a caller with access to the account", async () => {
  const world = await startAccountsWorld({
    rules: [
      { id: "two", effect: "allow", accounts: ["partner"], approval: { expiresInMinutes: 5 } },
      { id: "others", effect: "allow" },
    ],
  });
  const asked = await world.ask(CHANGE, "wang", { opUin: ALICE, account: "partner" });
  expect(codesOf(asked)).toEqual(["APPROVAL_REQUIRED"]);
  const id = asked.errors[0]?.extensions["changeId"];
  const approve =
    "mutation ($id: ID!) { approveMfaChange(id: $id) { change { account status } subUser { id } } }";
  expect(codesOf(await world.ask(approve, "chen", { id }))).toEqual(["FORBIDDEN"]);
  expect(world.partner.counters()["SetMfaFlag"]).toBeUndefined();
  expect(await world.ask(approve, "zhou", { id })).toMatchObject({
    errors: [],
    data: {
      approveMfaChange: {
        change: { account: "partner", status: "APPLIED" },
        subUser: { id: `partner/${ALICE}` },
      },
    },
  });
  expect(world.partner.counters()["SetMfaFlag"]?.received).toBe(1);
  expect(world.cam.counters()["SetMfaFlag"]).toBeUndefined();
});
