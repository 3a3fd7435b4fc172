import { beforeAll, describe, expect, test } from "vitest";
import type { Reply, StartedGateway } from "../support/start-gateway.ts";
import { type LaggingReplicas, startLaggingReplicas } from "./start-lagging-replicas.ts";

const READ = "DescribeSafeAuthFlagColl";
const SHOWN = "{ login { phone stoken wechat } source asOf }";
const PAYLOAD = `{ resolvedBy change { before ${SHOWN} } subUser { mfa ${SHOWN} } }`;

let replicas: LaggingReplicas;

beforeAll(async () => {
  replicas = await startLaggingReplicas();
});

interface Shown {
  readonly login: Readonly<Record<string, boolean>>;
  readonly source: string;
  readonly asOf: string;
}

function change(opUin: string, login: string, more = ""): string {
  return `mutation { setSubUserMfa(opUin: "${opUin}", login: { ${login} }${more}) ${PAYLOAD} }`;
}

const codeOf = ({ errors }: Reply): unknown => errors[0]?.extensions["code"];

/** Changes of a user of this test alone, who starts with only stoken for login. */
function startUser() {
  const { one, two, three, cam, ...more } = replicas;
  const opUin = more.addUser();
  const ask = (login: string, reason?: string): string =>
    change(opUin, login, reason === undefined ? "" : `, reason: "${reason}"`);
  return {
    ...{ one, two, three, cam, opUin },
    /** Hides all later writes from reads. */
    lag: () => cam.addFault({ kind: "staleRead", lagMs: 1, action: READ, opUin }),
    passTime: (seconds: number) => more.passTime(opUin, seconds),
    login: () => cam.user(opUin)?.loginFlag,
    change: ask,
    /** Returns the user and the previous state in the payload of a change. */
    async make(
      replica: StartedGateway,
      login: string,
      reason?: string,
    ): Promise<{ readonly after: Shown; readonly before: Shown }> {
      const { data, errors } = await replica.send(ask(login, reason));
      expect(errors).toEqual([]);
      const { setSubUserMfa: payload } = data as {
        readonly setSubUserMfa: {
          readonly change: { readonly before: Shown };
          readonly subUser: { readonly mfa: Shown };
        };
      };
      return { after: payload.subUser.mfa, before: payload.change.before };
    },
    /** Sends a change that CAM neither answers nor applies. */
    async lose(login: string, reason?: string): Promise<void> {
      const { id } = cam.addFault({ kind: "httpStatus", status: 503, action: "SetMfaFlag", opUin });
      expect(codeOf(await one.send(ask(login, reason)))).toBe("OUTCOME_UNKNOWN");
      cam.clearFaults(id);
    },
  };
}

describe("while reads do not show recent writes", () => {
  test.each(["one", "two"] as const)(
    "a change through replica %s keeps the result of the change before it",
    async (next) => {
      const { make, one, lag, login } = startUser();
      lag();
      await make(one, "phone: true");
      await make(replicas[next], "wechat: true");
      expect(login()).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 1 });
    },
  );

  test("several writes through both replicas in turn are combined", async () => {
    const user = startUser();
    const { one, two } = user;
    user.lag();
    for (const [replica, login] of [
      [one, "phone: true"],
      [two, "wechat: true"],
      [one, "phone: false"],
      [two, "stoken: false"],
      [two, "phone: true"],
      [one, "wechat: false"],
      [two, "stoken: true"],
    ] as const) {
      await user.make(replica, login);
    }
    expect(user.login()).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 0 });
  });

  test("the two protections are independent", async () => {
    const { opUin, one, two, cam, lag, ...user } = startUser();
    lag();
    await user.make(one, "phone: true");
    const onAction = `mutation { setSubUserMfa(opUin: "${opUin}", action: { phone: true }) { resolvedBy } }`;
    expect((await two.send(onAction)).errors).toEqual([]);
    await user.make(one, "wechat: true");
    expect(cam.user(opUin)).toMatchObject({
      loginFlag: { Phone: 1, Stoken: 1, Wechat: 1 },
      actionFlag: { Phone: 1, Stoken: 0, Wechat: 0 },
    });
  });

  test("payloads and reads of the replica show the write and its source", async () => {
    const { opUin, one, two, three, lag, ...user } = startUser();
    const read = async (replica: StartedGateway) => {
      const { data } = await replica.send(`{ subUser(opUin: "${opUin}") { mfa ${SHOWN} } }`);
      return (data as { readonly subUser: { readonly mfa: Shown } }).subUser.mfa;
    };
    lag();
    const before = await read(one);
    expect(before).toMatchObject({ login: { phone: false }, source: "CAM" });
    const first = await user.make(one, "phone: true");
    expect(first.before).toMatchObject({ login: { phone: false }, source: "CAM" });
    expect(first.after).toMatchObject({ login: { phone: true, stoken: true }, source: "GATEWAY" });
    expect(Date.parse(first.after.asOf)).toBeGreaterThan(Date.parse(before.asOf));
    expect(await read(one)).toEqual(first.after);
    // A replica that has not changed the user shows CAM's state, with CAM as the source.
    expect(await read(two)).toMatchObject({ login: { phone: false }, source: "CAM" });
    const second = await user.make(two, "wechat: true");
    expect(second.before).toEqual(first.after);
    expect(second.after).toMatchObject({
      login: { phone: true, stoken: true, wechat: true },
      source: "GATEWAY",
    });
    const repeat = async ({ http }: StartedGateway) => {
      const key = { "idempotency-key": "a-key" };
      const { body } = await http
        .post("/graphql")
        .set(key)
        .send({ query: user.change("phone: false") });
      return body.data.setSubUserMfa.subUser.mfa as Shown;
    };
    expect(await repeat(one)).toMatchObject({ login: { phone: false, wechat: true } });
    // CAM shows phone as off too, because it never showed phone as on.
    expect(await repeat(three)).toMatchObject({ login: { phone: false, wechat: true }, source: "GATEWAY" });
  });

  test("the last method needs a reason, although CAM still shows another method", async () => {
    const { one, two, lag, login, ...user } = startUser();
    await user.make(one, "phone: true");
    lag();
    await user.make(one, "stoken: false");
    expect(codeOf(await two.send(user.change("phone: false")))).toBe("REASON_REQUIRED");
    await user.make(two, "phone: false", "They leave.");
    expect(login()).toMatchObject({ Phone: 0, Stoken: 0, Wechat: 0 });
  });

  test("a last method that only CAM shows needs a reason", async () => {
    const { one, two, lag, ...user } = startUser();
    lag();
    await user.make(one, "stoken: false", "They leave.");
    // The gateway's state has no method left to switch off, and CAM's state still has stoken.
    expect(codeOf(await two.send(user.change("stoken: false")))).toBe("REASON_REQUIRED");
  });

  test("a read-back that may show the earlier state proves nothing, and the write is sent again", async () => {
    const { opUin, one, cam, lag, login, ...user } = startUser();
    await user.make(one, "phone: true");
    // CAM still shows phone as on, the state before the next write.
    lag();
    await user.make(one, "phone: false");
    cam.addFault({ kind: "cutBefore", action: "SetMfaFlag", opUin, times: 1 });
    const { data } = await one.send(user.change("phone: true"));
    expect(data).toMatchObject({ setSubUserMfa: { resolvedBy: "REPLY" } });
    expect(login()).toMatchObject({ Phone: 1 });
  });
});

describe("a switch by another program", () => {
  test("is kept if the gateway did not write that method", async () => {
    const { opUin, one, two, cam, login, ...user } = startUser();
    await user.make(one, "phone: true");
    cam.putUser({ uin: opUin, loginFlag: { Phone: 1, Stoken: 0, Wechat: 1 } });
    const { after } = await user.make(two, "phone: false");
    expect(login()).toMatchObject({ Phone: 0, Stoken: 0, Wechat: 1 });
    expect(after.source).toBe("CAM");
  });

  test("is kept if the gateway's write is more than a minute old by the database's clock", async () => {
    const { opUin, one, two, three, cam, login, passTime, ...user } = startUser();
    await user.make(one, "phone: true");
    cam.putUser({ uin: opUin, loginFlag: { Phone: 0, Stoken: 1, Wechat: 0 } });
    await passTime(50);
    await user.make(two, "wechat: true");
    expect(login()).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 1 });
    cam.putUser({ uin: opUin, loginFlag: { Phone: 0, Stoken: 1, Wechat: 1 } });
    await passTime(61);
    await user.make(three, "stoken: false");
    expect(login()).toMatchObject({ Phone: 0, Stoken: 0, Wechat: 1 });
  });
});

describe("after a write of unknown outcome", () => {
  test.each([
    ["a method on leaves it on", "phone: true", { Phone: 1, Stoken: 1, Wechat: 1 }],
    ["a method off leaves it on", "stoken: false", { Phone: 0, Stoken: 1, Wechat: 1 }],
  ])("that switches %s", async (_case, lost, expected) => {
    const { two, login, ...user } = startUser();
    await user.lose(lost, "A test.");
    await user.make(two, "wechat: true");
    expect(login()).toMatchObject(expected);
  });

  test("a method that the caller names has the caller's value", async () => {
    const { two, login, ...user } = startUser();
    await user.lose("phone: true, wechat: true");
    await user.make(two, "phone: false");
    expect(login()).toMatchObject({ Phone: 0, Stoken: 1, Wechat: 1 });
  });

  test("a reason is required if the write would make one necessary", async () => {
    const { one, two, ...user } = startUser();
    await user.make(one, "stoken: false", "A test.");
    await user.lose("phone: true");
    // CAM shows a user without any method.
    expect(codeOf(await two.send(user.change("phone: false")))).toBe("REASON_REQUIRED");
  });

  test("it stops counting after the next applied write, or after a minute", async () => {
    const { one, two, three, passTime, login, ...user } = startUser();
    await user.lose("phone: true");
    await user.make(two, "phone: false");
    await user.make(one, "wechat: true");
    expect(login()).toMatchObject({ Phone: 0, Stoken: 1, Wechat: 1 });
    await user.lose("phone: true");
    await passTime(61);
    await user.make(three, "wechat: false");
    expect(login()).toMatchObject({ Phone: 0, Stoken: 1, Wechat: 0 });
  });
});

test("a replica that finds an unknown write reads exactly once more", async () => {
  const { opUin, one, two, cam, ...user } = startUser();
  await user.make(one, "phone: true");
  await user.make(two, "phone: false");
  const reads = () => cam.journal({ action: READ, opUin }).length;
  const before = reads();
  await user.make(one, "phone: true");
  // Two reads for the change, and one for the payload.
  expect(reads()).toBe(before + 3);
  await user.make(one, "phone: false");
  expect(reads()).toBe(before + 5);
});

test.each([1, -1])(
  "a database clock that is set by %i hours stops no change and costs one more read",
  async (hours) => {
    const { opUin, one, two, cam, passTime, login, ...user } = startUser();
    await user.make(one, "phone: true");
    await passTime(hours * 3_600);
    const reads = () => cam.journal({ action: READ, opUin }).length;
    const before = reads();
    await user.make(two, "wechat: true");
    await user.make(one, "stoken: false");
    expect(reads() - before).toBeLessThanOrEqual(6);
    expect(login()).toMatchObject({ Phone: 1, Stoken: 0, Wechat: 1 });
  },
);
