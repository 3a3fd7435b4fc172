import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/clock.ts";
import { cutDatabase } from "../support/cut-database.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { type Gate, startGate } from "../support/start-gate.ts";
import { type Reply, type StartedGateway, startGateway } from "../support/start-gateway.ts";

const RETURNED = "{ requestId resolvedBy change { id status } }";
const phoneOn = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) ${RETURNED} }`;
const wechatOn = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { wechat: true }) ${RETURNED} }`;

interface Replicas {
  readonly one: StartedGateway;
  readonly two: StartedGateway;
  readonly gate: Gate;
  readonly databaseUrl: string;
}

/** Two gateways with one database, in front of one emulated CAM that the test can block. */
async function startReplicas(
  env: Readonly<Record<string, string>> = {},
  clockOfTwo: Clock = systemClock,
): Promise<Replicas> {
  const databaseUrl = await createTestPostgres();
  const { promise: gateOpen, resolve } = Promise.withResolvers<Gate>();
  const one = await startGateway({
    env: { DATABASE_URL: databaseUrl, REPLICA: "one", ...env },
    between: async (emulatorUrl) => {
      const gate = await startGate(emulatorUrl);
      resolve(gate);
      return gate.url;
    },
  });
  const gate = await gateOpen;
  const two = await startGateway({
    env: { DATABASE_URL: databaseUrl, REPLICA: "two", CAM_ENDPOINT: gate.url, ...env },
    clock: clockOfTwo,
  });
  return { one, two, gate, databaseUrl };
}

function changeIdOf({ data }: Reply): string | undefined {
  const applied = data?.["setSubUserMfa"] as { change: { id: string } } | undefined;
  return applied?.change.id;
}

/** Two replicas, and a promise that resolves once the second one waits for an open change of the first. */
async function startWaitingReplicas(): Promise<Replicas & { readonly waits: Promise<void> }> {
  const { promise: waits, resolve } = Promise.withResolvers<void>();
  const replicas = await startReplicas(
    {},
    {
      ...systemClock,
      sleep: (ms, signal) => {
        // The replica reads the other change again after this time.
        if (ms === 100) resolve();
        return systemClock.sleep(ms, signal);
      },
    },
  );
  return { ...replicas, waits };
}

test("the same change through two replicas is one change", async () => {
  const { one, two, gate, waits } = await startWaitingReplicas();
  const held = gate.hold("SetMfaFlag");
  const first = one.send(phoneOn);
  await held.arrived;
  const second = two.send(phoneOn);
  await waits;
  held.release();
  const joined = changeIdOf(await second);
  expect(joined).toBeDefined();
  expect(joined).toBe(changeIdOf(await first));
  expect(one.cam.counters()["SetMfaFlag"]?.received).toBe(1);
});

test("a change that waits for a change in another replica is made too, and has its own outcome", async () => {
  const { one, two, gate, waits } = await startWaitingReplicas();
  const held = gate.hold("SetMfaFlag");
  const first = one.send(phoneOn);
  await held.arrived;
  const second = two.send(wechatOn);
  await waits;
  held.release();
  const replies = [await first, await second] as const;
  expect(replies.map(({ errors }) => errors)).toEqual([[], []]);
  const [firstId, secondId] = replies.map(changeIdOf);
  expect(secondId).not.toBe(firstId);
  expect(one.cam.counters()["SetMfaFlag"]?.applied).toBe(2);
  expect(one.cam.user(ALICE)).toMatchObject({ loginFlag: { Phone: 1, Wechat: 1, Stoken: 1 } });
  const { data } = await two.send(
    "{ mfaChanges { nodes { id requested { login { phone wechat } } status } } }",
  );
  expect(data).toEqual({
    mfaChanges: {
      nodes: [
        { id: secondId, requested: { login: { phone: null, wechat: true } }, status: "APPLIED" },
        { id: firstId, requested: { login: { phone: true, wechat: null } }, status: "APPLIED" },
      ],
    },
  });
});

test("a change is refused as CHANGE_IN_PROGRESS if another replica holds the user beyond the deadline", async () => {
  const { one, gate, databaseUrl } = await startReplicas({
    CAM_TIMEOUT_MS: "20000",
    CAM_DEADLINE_MS: "25000",
  });
  const hasty = await startGateway({
    env: {
      DATABASE_URL: databaseUrl,
      CAM_ENDPOINT: gate.url,
      CAM_TIMEOUT_MS: "1000",
      CAM_DEADLINE_MS: "2000",
    },
  });
  const held = gate.hold("SetMfaFlag");
  const first = one.send(phoneOn);
  await held.arrived;
  const { errors } = await hasty.send(wechatOn);
  expect(errors[0]?.extensions).toMatchObject({ code: "CHANGE_IN_PROGRESS", changeId: expect.any(String) });
  held.release();
  await first;
});

test("back-to-back changes through alternating replicas never undo each other", async () => {
  const { one, two } = await startReplicas();
  for (const [replica, methods] of [
    [one, "phone: true"],
    [two, "wechat: true"],
    [one, "stoken: false"],
    [two, "phone: false"],
  ] as const) {
    const { errors } = await replica.send(
      `mutation { setSubUserMfa(opUin: "${ALICE}", login: { ${methods} }) { requestId } }`,
    );
    expect(errors).toEqual([]);
  }
  expect(one.cam.user(ALICE)).toMatchObject({ loginFlag: { Phone: 0, Wechat: 1, Stoken: 0 } });
});

test.each([30_000, -30_000])(
  "a replica whose clock jumps by %s ms continues, and the record has the database's time",
  async (jumpMs) => {
    let byMs = 0;
    const jumping = { ...systemClock, now: () => Date.now() + byMs };
    const { one, two } = await startReplicas({}, jumping);
    for (let at = 0; at < 8; at++) {
      byMs = at < 2 || at > 5 ? 0 : jumpMs;
      const { errors } = await (at % 2 === 0 ? two : one).send(at % 4 < 2 ? phoneOn : wechatOn);
      expect(errors).toEqual([]);
    }
    // CAM accepts 20 calls a second of each action. These are all calls, and CAM refused none.
    expect(one.cam.counters()).toMatchObject({
      SetMfaFlag: { received: 8, throttled: 0 },
      DescribeSafeAuthFlagColl: { throttled: 0 },
    });
    const { data } = await one.send("{ mfaChanges { nodes { createdAt finishedAt } } }");
    const changes = data?.["mfaChanges"] as
      | { nodes: { createdAt: string; finishedAt: string }[] }
      | undefined;
    const times = (changes?.nodes ?? [])
      .toReversed()
      .flatMap(({ createdAt, finishedAt }) => [createdAt, finishedAt]);
    expect(times).toEqual(times.toSorted());
    expect(times).toHaveLength(16);
    expect(Date.parse(times[15] ?? "") - Date.parse(times[0] ?? "")).toBeLessThan(Math.abs(jumpMs));
  },
);

test("an outcome that cannot be recorded still reaches the caller, and is recorded later", async () => {
  const { one, two, gate, databaseUrl } = await startReplicas({
    CAM_TIMEOUT_MS: "2000",
    CAM_DEADLINE_MS: "3000",
  });
  const held = gate.hold("SetMfaFlag");
  const change = one.send(
    `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy } }`,
  );
  await held.arrived;
  const restore = await cutDatabase(databaseUrl);
  held.release();
  expect((await change).data).toEqual({ setSubUserMfa: { resolvedBy: "REPLY" } });
  await restore();
  const statuses = async () => {
    const { data } = await two.send("{ mfaChanges { nodes { status resolvedBy } } }");
    return (data?.["mfaChanges"] as { nodes: unknown[] } | undefined)?.nodes;
  };
  // Its lease ends about ten seconds after its deadline.
  await expect
    .poll(statuses, { timeout: 28_000, interval: 500 })
    .toEqual([{ status: "APPLIED", resolvedBy: "READ_BACK" }]);
}, 45_000);
