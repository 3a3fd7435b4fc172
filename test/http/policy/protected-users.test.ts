import { expect, test } from "vitest";
import { ALICE, CAROL } from "../../support/seed-users.ts";
import { LOCAL_KEY } from "../../support/start-gateway.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { startPolicyWorld } from "./policy-world.ts";

/** From schema/emulator-seed.json: the user of the gateway's key, and the account. */
const OWNER = "100021969090";
const ROOT = "100000000001";

const DONE = { id: expect.any(String) };
const ALL = [{ id: "all", effect: "allow" }];
const phoneOn = (opUin: string, reason?: string) => ({
  opUin,
  login: { phone: true },
  ...(reason === undefined ? {} : { reason }),
});

test("a protected user is changed only with the scope to override and a reason, which is recorded", async () => {
  const { ask, change, tryChange, cam } = await startPolicyWorld({ protectedUsers: [CAROL], rules: ALL });
  const refused = {
    code: "PROTECTED_USER",
    message:
      "This user may not be changed through the gateway. It needs the scope cam.mfa:override, and a reason.",
  };
  const unreasoned = {
    code: "REASON_REQUIRED",
    message: "This change needs a reason. It overrides the protection of this user.",
  };
  for (const asked of [change, tryChange]) {
    expect(await asked(phoneOn(CAROL), "wang")).toEqual(refused);
    expect(await asked(phoneOn(CAROL, "because"), "wang")).toEqual(refused);
    expect(await asked(phoneOn(CAROL), "wang", { override: true })).toEqual(unreasoned);
    expect(await asked(phoneOn(CAROL, " "), "wang", { override: true })).toEqual(unreasoned);
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  const made = await change(phoneOn(CAROL, "The phone was found."), "wang", { override: true });
  expect(made).toEqual(DONE);
  const { data } = await ask("query ($id: ID!) { mfaChange(id: $id) { reason } }", made, "wang");
  expect(data).toEqual({ mfaChange: { reason: "The phone was found." } });
  expect(await change(phoneOn(ALICE), "wang")).toEqual(DONE);
});

test("the scope to override does not replace a rule that allows the change", async () => {
  const { change } = await startPolicyWorld({ protectedUsers: [CAROL], rules: [] });
  expect(await change(phoneOn(CAROL, "because"), "wang", { override: true })).toMatchObject({
    code: "FORBIDDEN",
    message: expect.stringContaining("No rule allows login.phone.on."),
  });
});

test("no policy, scope or reason permits a change of the account or of the user of the gateway's key", async () => {
  const { change, tryChange, cam } = await startPolicyWorld({ rules: ALL });
  const refused = {
    code: "PROTECTED_USER",
    message:
      "This user may not be changed through the gateway. No caller can change the account itself or the owner of the gateway's key through it.",
  };
  for (const opUin of [OWNER, ROOT]) {
    for (const asked of [change, tryChange]) {
      expect(await asked(phoneOn(opUin, "because"), "wang", { override: true }), opUin).toEqual(refused);
    }
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  expect(cam.journal({ action: "DescribeSafeAuthFlagColl" })).toEqual([]);
});

test("the first change waits until CAM returns the key's owner, and later changes use that result", async () => {
  const { change, heldAtStart, cam } = await startPolicyWorld(
    { rules: ALL },
    { holdAtStart: "GetCallerIdentity" },
  );
  const [held] = heldAtStart;
  await held?.arrived;
  const [own, other] = [change(phoneOn(OWNER), "wang"), change(phoneOn(ALICE), "wang")];
  held?.release();
  expect(await own).toMatchObject({ code: "PROTECTED_USER" });
  expect(await other).toEqual(DONE);
  expect(await change(phoneOn(CAROL), "wang")).toEqual(DONE);
  expect(cam.journal().map(({ action }) => action)).toEqual([
    "GetCallerIdentity",
    ...["DescribeSafeAuthFlagColl", "SetMfaFlag"],
    ...["DescribeSafeAuthFlagColl", "SetMfaFlag"],
  ]);
});

test("changes fail with CAM's error until CAM returns the key's owner", async () => {
  const { change, tryChange, heldAtStart, cam } = await startPolicyWorld(
    { rules: ALL },
    { holdAtStart: "GetCallerIdentity" },
  );
  cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "GetCallerIdentity", times: 3 });
  heldAtStart[0]?.release();
  await expect.poll(() => cam.counters()["GetCallerIdentity"]?.received).toBe(1);
  for (const asked of [change, tryChange]) {
    expect(await asked(phoneOn(ALICE), "wang")).toMatchObject({ code: "CAM_PERMISSION_DENIED" });
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  expect(await change(phoneOn(ALICE), "wang")).toEqual(DONE);
});

test("after a rotation to another user's key, that user is protected from the first change on", async () => {
  const folder = await temporaryFolder();
  const put = async (secretId: string, secretKey: string) => ({
    TENCENTCLOUD_SECRET_ID: "",
    TENCENTCLOUD_SECRET_KEY: "",
    TENCENTCLOUD_SECRET_ID_FILE: await folder.write("id", secretId),
    TENCENTCLOUD_SECRET_KEY_FILE: await folder.write("key", secretKey),
  });
  const { TENCENTCLOUD_SECRET_ID: firstId, TENCENTCLOUD_SECRET_KEY: firstKey } = LOCAL_KEY;
  // CAM accepts the first key at once. After a refusal, the gateway loads no other key for a second.
  const { change, cam } = await startPolicyWorld({ rules: ALL }, { env: await put(firstId, firstKey) });
  expect(await change(phoneOn(CAROL), "wang")).toEqual(DONE);
  cam.clearJournal();
  // The old key is deleted before the gateway loads the new one, so that the change itself meets the deletion.
  const second = { secretId: "AKIDSECOND", secretKey: "local-example-key-of-AKIDSECOND" };
  cam.putKey({ ...second, uin: CAROL });
  cam.deleteKey(firstId);
  await put(second.secretId, second.secretKey);
  for (const opUin of [CAROL, OWNER, ROOT]) {
    expect(await change(phoneOn(opUin), "wang"), opUin).toMatchObject({ code: "PROTECTED_USER" });
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  expect(await change(phoneOn(ALICE), "wang")).toEqual(DONE);
  expect(cam.journal({ action: "GetCallerIdentity" })).toHaveLength(1);
});
