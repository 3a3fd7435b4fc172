import { expect, test } from "vitest";
import { ALICE, BOB, NOBODY } from "../../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { planned, planOf } from "./plan-rollout.ts";

const gateway = await startGateway({ ...UNLIMITED });

test("plans what it would do with each user, and changes nobody", async () => {
  const rollout = await planned(gateway.send, planOf({ desired: { login: { stoken: true } } }));
  expect(rollout).toMatchObject({ status: "PLANNED", planHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(gateway.cam.journal().map(({ action }) => action)).not.toContain("SetMfaFlag");
});

test("plans for each listed user once, and blocks one who does not exist", async () => {
  const opUins = [NOBODY, ALICE, BOB, ALICE];
  const { items } = await planned(gateway.send, planOf({ selection: { opUins } }));
  expect(items.nodes).toMatchObject([
    { opUin: NOBODY, state: "BLOCKED", code: "USER_NOT_EXIST" },
    { opUin: ALICE },
    { opUin: BOB },
  ]);
});
