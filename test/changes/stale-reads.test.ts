import { describe, expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import type { Reply, StartedGateway } from "../support/start-gateway.ts";
import { startLaggingReplicas } from "./start-lagging-replicas.ts";

const READ = "DescribeSafeAuthFlagColl";
const SHOWN = "{ login { phone stoken wechat } source asOf }";
const PAYLOAD = `{ resolvedBy change { before ${SHOWN} } subUser { mfa ${SHOWN} } }`;

interface Shown {
  readonly login: Readonly<Record<string, boolean>>;
  readonly source: string;
  readonly asOf: string;
}

function change(login: string, more = ""): string {
  return `mutation { setSubUserMfa(opUin: "${ALICE}", login: { ${login} }${more}) ${PAYLOAD} }`;
}

/** What the payload of a change shows of the user, and of what was before. */
async function make(
  replica: StartedGateway,
  login: string,
  more?: string,
): Promise<{ readonly after: Shown; readonly before: Shown }> {
  const { data, errors } = await replica.send(change(login, more));
  expect(errors).toEqual([]);
  const payload = data?.["setSubUserMfa"] as {
    readonly change: { readonly before: Shown };
    readonly subUser: { readonly mfa: Shown };
  };
  return { after: payload.subUser.mfa, before: payload.change.before };
}

const codeOf = ({ errors }: Reply): unknown => errors[0]?.extensions["code"];

/** Alice begins with stoken alone. */
describe("while reads do not show yet what was written", () => {
  test.each(["one", "two"] as const)(
    "a change through replica %s keeps what the change before it has switched",
    async (next) => {
      const replicas = await startLaggingReplicas();
      const { one, cam, lag } = replicas;
      lag();
      await make(one, "phone: true");
      await make(replicas[next], "wechat: true");
      expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 1 });
    },
  );

  test("several writes fold, through both replicas in turn", async () => {
    const { one, two, cam, lag } = await startLaggingReplicas();
    lag();
    for (const [replica, login] of [
      [one, "phone: true"],
      [two, "wechat: true"],
      [one, "phone: false"],
      [two, "stoken: false"],
      [two, "phone: true"],
      [one, "wechat: false"],
      [two, "stoken: true"],
    ] as const)
      await make(replica, login);
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 0 });
  });

  test("the two protections are told apart", async () => {
    const { one, two, cam, lag } = await startLaggingReplicas();
    lag();
    await make(one, "phone: true");
    const onAction = `mutation { setSubUserMfa(opUin: "${ALICE}", action: { phone: true }) { resolvedBy } }`;
    expect((await two.send(onAction)).errors).toEqual([]);
    await make(one, "wechat: true");
    expect(cam.user(ALICE)).toMatchObject({
      loginFlag: { Phone: 1, Stoken: 1, Wechat: 1 },
      actionFlag: { Phone: 1, Wechat: 0 },
    });
  });

  test("an approved change is composed with what was switched before its approval", async () => {
    const replicas = await startLaggingReplicas();
    const { one, two, cam, lag } = replicas;
    lag();
    await make(one, "phone: true");
    await make(two, "wechat: true");
    await make(one, "stoken: false");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 0, Wechat: 1 });
  });

  test("payloads and reads of the replica show the write, and whose knowledge that is", async () => {
    const { one, two, startAnother, lag } = await startLaggingReplicas();
    const read = async (replica: StartedGateway) => {
      const { data } = await replica.send(`{ subUser(opUin: "${ALICE}") { mfa ${SHOWN} } }`);
      return (data?.["subUser"] as { readonly mfa: Shown }).mfa;
    };
    lag();
    const before = await read(one);
    expect(before).toMatchObject({ login: { phone: false }, source: "CAM" });
    const first = await make(one, "phone: true");
    expect(first.before).toMatchObject({ login: { phone: false }, source: "CAM" });
    expect(first.after).toMatchObject({ login: { phone: true, stoken: true }, source: "GATEWAY" });
    expect(Date.parse(first.after.asOf)).toBeGreaterThan(Date.parse(before.asOf));
    expect(await read(one)).toEqual(first.after);
    // A replica that has not changed the user shows what CAM shows, and says so.
    expect(await read(two)).toMatchObject({ login: { phone: false }, source: "CAM" });
    const second = await make(two, "wechat: true");
    expect(second.before).toEqual(first.after);
    expect(second.after).toMatchObject({
      login: { phone: true, stoken: true, wechat: true },
      source: "GATEWAY",
    });
    const key = { "idempotency-key": "a-key" };
    const repeated = async ({ http }: StartedGateway) => {
      const { body } = await http
        .post("/graphql")
        .set(key)
        .send({ query: change("phone: false") });
      return body.data.setSubUserMfa.subUser.mfa as Shown;
    };
    expect(await repeated(one)).toMatchObject({ login: { phone: false, wechat: true } });
    expect(await repeated(await startAnother())).toMatchObject({
      login: { phone: false, wechat: true },
      source: "GATEWAY",
    });
  });

  test("a last method goes for a reason alone, though CAM still shows another", async () => {
    const { one, two, cam, lag } = await startLaggingReplicas();
    await make(one, "phone: true");
    lag();
    await make(one, "stoken: false");
    expect(codeOf(await two.send(change("phone: false")))).toBe("REASON_REQUIRED");
    await make(two, "phone: false", ', reason: "They leave."');
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 0, Wechat: 0 });
  });

  test("a last method goes for a reason alone, though it is only CAM that shows it", async () => {
    const { one, two, lag } = await startLaggingReplicas();
    lag();
    await make(one, "stoken: false", ', reason: "They leave."');
    // Nothing is left to switch off as far as the gateway knows, and stoken as far as CAM does.
    expect(codeOf(await two.send(change("stoken: false")))).toBe("REASON_REQUIRED");
  });
});

describe("what others have switched meanwhile", () => {
  test("is kept where no write of ours has changed it", async () => {
    const { one, two, cam } = await startLaggingReplicas();
    await make(one, "phone: true");
    cam.putUser({ uin: ALICE, loginFlag: { Phone: 1, Stoken: 0, Wechat: 1 } });
    const { after } = await make(two, "phone: false");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 0, Wechat: 1 });
    expect(after.source).toBe("CAM");
  });

  test("is kept where our write is more than a minute old, by the database's clock", async () => {
    const { one, two, startAnother, cam, passTime } = await startLaggingReplicas();
    await make(one, "phone: true");
    cam.putUser({ uin: ALICE, loginFlag: { Phone: 0, Stoken: 1, Wechat: 0 } });
    await passTime(58);
    await make(two, "wechat: true");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 1 });
    cam.putUser({ uin: ALICE, loginFlag: { Phone: 0, Stoken: 1, Wechat: 1 } });
    await passTime(61);
    await make(await startAnother(), "stoken: false");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 0, Wechat: 1 });
  });
});

describe("after a write of unknown outcome", () => {
  const quick = { CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "2000" };
  const never = { kind: "httpStatus", status: 503, action: "SetMfaFlag" } as const;

  test.each([
    ["was to switch a method on, it is on", "phone: true", { Phone: 1, Stoken: 1, Wechat: 1 }],
    ["was to switch a method off, it is on", "stoken: false", { Phone: 0, Stoken: 1, Wechat: 1 }],
  ])("that %s", async (_case, login, expected) => {
    const { one, two, cam } = await startLaggingReplicas(quick);
    await make(one, "phone: false");
    const { id } = cam.addFault(never);
    expect(codeOf(await one.send(change(login, ', reason: "A test."')))).toBe("OUTCOME_UNKNOWN");
    cam.clearFaults(id);
    await make(two, "wechat: true");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject(expected);
  });

  test("a method that the caller names is as they say", async () => {
    const { one, two, cam } = await startLaggingReplicas(quick);
    const { id } = cam.addFault(never);
    expect(codeOf(await one.send(change("phone: true, wechat: true")))).toBe("OUTCOME_UNKNOWN");
    cam.clearFaults(id);
    await make(two, "phone: false");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 1, Wechat: 1 });
  });

  test("a reason is asked for where its image demands one", async () => {
    const { one, two, cam } = await startLaggingReplicas(quick);
    await make(one, "stoken: false", ', reason: "A test."');
    const { id } = cam.addFault(never);
    expect(codeOf(await one.send(change("phone: true")))).toBe("OUTCOME_UNKNOWN");
    cam.clearFaults(id);
    // CAM shows a user without any method.
    expect(codeOf(await two.send(change("phone: false")))).toBe("REASON_REQUIRED");
  });

  test("it counts no more after the next applied write, nor after a minute", async () => {
    const { one, two, startAnother, cam, passTime } = await startLaggingReplicas(quick);
    const { id } = cam.addFault(never);
    expect(codeOf(await one.send(change("phone: true")))).toBe("OUTCOME_UNKNOWN");
    cam.clearFaults(id);
    await make(two, "phone: false");
    await make(one, "wechat: true");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 1, Wechat: 1 });
    const again = cam.addFault(never);
    expect(codeOf(await one.send(change("phone: true")))).toBe("OUTCOME_UNKNOWN");
    cam.clearFaults(again.id);
    await passTime(61);
    await make(await startAnother(), "wechat: false");
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 1, Wechat: 0 });
  });
});

test("a read-back that may show what was so before proves nothing, and the write is sent again", async () => {
  const { one, cam, lag } = await startLaggingReplicas();
  await make(one, "phone: true");
  await make(one, "phone: false");
  await make(one, "phone: true");
  // CAM goes on showing phone as on, as it was before the next write.
  lag();
  await make(one, "phone: false");
  cam.addFault({ kind: "cutBefore", action: "SetMfaFlag", times: 1 });
  const writes = cam.counters()["SetMfaFlag"]?.received ?? 0;
  const { data } = await one.send(change("phone: true"));
  expect(data).toMatchObject({ setSubUserMfa: { resolvedBy: "REPLY" } });
  expect(cam.counters()["SetMfaFlag"]?.received).toBe(writes + 2);
  expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1 });
});

test("a user whom others change again and again is read six times, and then CHANGE_IN_PROGRESS", async () => {
  const { one, two, cam } = await startLaggingReplicas();
  await make(one, "phone: true");
  await make(two, "phone: false");
  cam.clearJournal();
  await make(one, "phone: true");
  // Two reads of the change, as another replica has changed the user, and one for the payload.
  expect(cam.journal({ action: READ })).toHaveLength(3);
});
