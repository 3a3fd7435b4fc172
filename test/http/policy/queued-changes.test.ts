import { beforeEach, describe, expect, test } from "vitest";
import { SCOPES } from "../../../src/auth/caller.ts";
import { CAROL, DAVE } from "../../support/seed-users.ts";
import { readReply } from "../../support/start-gateway.ts";
import { startPolicyWorld } from "./policy-world.ts";

const POLICY = {
  rules: [
    {
      id: "no-admins",
      effect: "deny",
      users: { tags: ["admin"] },
      callers: { subjects: ["wang", "chen"] },
    },
    { id: "vips", effect: "allow", users: { names: ["vip-*"] }, approval: { expiresInMinutes: 5 } },
    { id: "of-chen", effect: "allow", callers: { subjects: ["chen"] }, approval: { expiresInMinutes: 5 } },
    { id: "everything", effect: "allow" },
  ],
};

const { change, hold, cam, http, issuer } = await startPolicyWorld(POLICY);
beforeEach(() => cam.reset());

const FIRST = { opUin: CAROL, login: { phone: true } };
const SECOND = { opUin: CAROL, action: { phone: true } };
const profileReads = () => cam.counters()["DescribeSubAccounts"]?.received ?? 0;
const writes = () => cam.journal({ action: "SetMfaFlag" });

async function approve(id: string, sub: string): Promise<unknown> {
  const token = await issuer.sign({ claims: { sub, scope: SCOPES.join(" ") } });
  const query = `mutation { approveMfaChange(id: "${id}") { requestId } }`;
  const reply = await http.post("/graphql").set("authorization", `Bearer ${token}`).send({ query });
  const { data, errors } = readReply(reply);
  return errors[0] === undefined ? data : { ...errors[0].extensions, message: errors[0].message };
}

/** Runs `ask` while a change of the same user is in flight, changes the user in CAM, and then releases both. */
async function whileOneIsUnderWay<Result>(
  ask: () => Promise<Result>,
  atCam: { readonly remark?: string; readonly name?: string },
): Promise<Result> {
  const held = hold("SetMfaFlag");
  const first = change(FIRST, "li");
  await held.arrived;
  const before = profileReads();
  const second = ask();
  // The policy allowed it by the profile at that time. Now it waits for its turn.
  await expect.poll(profileReads).toBe(before + 1);
  cam.putUser({ uin: CAROL, ...atCam });
  held.release();
  expect(await first).toEqual({ id: expect.any(String) });
  return second;
}

describe("a change that waits for its turn is decided again by the user's profile at its turn", () => {
  test("and is refused and not sent if a new tag forbids it", async () => {
    expect(await whileOneIsUnderWay(() => change(SECOND, "wang"), { remark: "now #admin" })).toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("The rule no-admins refuses action.phone.on."),
    });
    expect(writes()).toHaveLength(1);
  });

  test("and awaits approval if a new name requires it", async () => {
    expect(await whileOneIsUnderWay(() => change(SECOND, "wang"), { name: "vip-carol" })).toMatchObject({
      code: "APPROVAL_REQUIRED",
    });
    expect(writes()).toHaveLength(1);
  });

  test("and is made if the rule about the new tag is for other callers", async () => {
    expect(await whileOneIsUnderWay(() => change(SECOND, "li"), { remark: "now #admin" })).toEqual({
      id: expect.any(String),
    });
    expect(writes()).toHaveLength(2);
  });

  test.each([
    ["li", "The requester may not make this change any more. The rule no-admins refuses action.phone.on."],
    ["wang", "The rule no-admins refuses action.phone.on."],
  ])("also if %s approves it, for the approver and for the requester", async (approver, message) => {
    const change1 = await change(SECOND, "chen");
    expect(change1).toMatchObject({ code: "APPROVAL_REQUIRED" });
    const id = await waitingId();
    expect(await whileOneIsUnderWay(() => approve(id, approver), { remark: "now #admin" })).toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining(message),
    });
    expect(writes()).toHaveLength(1);
    cam.putUser({ uin: CAROL, remark: "" });
    expect(await approve(id, "li")).toMatchObject({ approveMfaChange: {} });
  });
});

async function waitingId(): Promise<string> {
  const token = await issuer.sign({ claims: { sub: "li", scope: SCOPES.join(" ") } });
  const query = "{ mfaChanges(status: AWAITING_APPROVAL, first: 1) { nodes { id } } }";
  const { body } = await http.post("/graphql").set("authorization", `Bearer ${token}`).send({ query });
  return body.data.mfaChanges.nodes[0].id;
}

test("names and tags need two reads of the user, and the second runs in parallel with the read of the flags", async () => {
  const held = hold("DescribeSafeAuthFlagColl");
  const made = change({ opUin: DAVE, login: { wechat: false }, reason: "lost" } as never, "wang");
  await held.arrived;
  await expect.poll(profileReads).toBe(2);
  held.release();
  await made;
  expect(profileReads()).toBe(2);
});

test("an approval needs two reads of the user, which serve the requester's and the approver's decision", async () => {
  await change({ opUin: CAROL, login: { phone: true } }, "chen");
  const id = await waitingId();
  const before = profileReads();
  expect(await approve(id, "wang")).toMatchObject({ approveMfaChange: {} });
  expect(profileReads() - before).toBe(2);
});

test("nothing is sent if the second read of the user fails", async () => {
  const held = hold("SetMfaFlag");
  const first = change(FIRST, "li");
  await held.arrived;
  const before = profileReads();
  const second = change(SECOND, "wang");
  await expect.poll(profileReads).toBe(before + 1);
  cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "DescribeSubAccounts" });
  held.release();
  await first;
  expect(await second).toMatchObject({ code: "CAM_PERMISSION_DENIED" });
  expect(writes()).toHaveLength(1);
});
