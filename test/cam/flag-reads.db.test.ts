import { describe, expect, test } from "vitest";
import { CamError, type CamResult, FlagReads, type SafeAuthFlags } from "../../src/cam/index.ts";
import type { Uin } from "../../src/contract/index.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { ALICE, BOB, HEIDI } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";

const OPTIONS = { traceId: "t", deadlineMs: 1_000 };

/** A CAM whose calls wait until the test answers them. */
function heldCam() {
  const calls: PromiseWithResolvers<CamResult<SafeAuthFlags>>[] = [];
  const call = (): Promise<unknown> => {
    const held = Promise.withResolvers<CamResult<SafeAuthFlags>>();
    calls.push(held);
    return held.promise;
  };
  const answer = (index: number, name: string): void =>
    calls[index]?.resolve({ output: { name } as unknown as SafeAuthFlags, camRequestId: "r" });
  return { calls, answer, cam: { call } as ConstructorParameters<typeof FlagReads>[0]["cam"] };
}

function readsOf(cacheMs: number) {
  const held = heldCam();
  const clock = new FakeClock();
  const reads = new FlagReads({ cam: held.cam, clock, cacheMs });
  const read = (deadlineMs = 1_000) => reads.read(ALICE as Uin, { ...OPTIONS, deadlineMs });
  return { ...held, clock, reads, read };
}

describe("concurrent reads of one user", () => {
  test("share the call", async () => {
    const { read, calls, answer } = readsOf(0);
    const both = [read(), read()];
    expect(calls).toHaveLength(1);
    answer(0, "one");
    const [one, other] = await Promise.all(both);
    expect(other).toBe(one);
  });

  test("make a new call after a change, and the result of the earlier call is not cached", async () => {
    const { read, reads, calls, answer } = readsOf(1_000);
    const before = read();
    reads.drop(ALICE as Uin);
    const after = read();
    expect(calls).toHaveLength(2);
    answer(1, "after");
    await after;
    answer(0, "before");
    expect(await before).toMatchObject({ name: "before" });
    expect(await read()).toMatchObject({ name: "after" });
  });

  test("share a failure, and a read with a later deadline makes its own call", async () => {
    const { read, calls, answer } = readsOf(0);
    const [first, same, later] = [read(1_000), read(1_000), read(2_000)];
    calls[0]?.reject(new CamError({ kind: "TIMEOUT", action: "x", attempts: 1 }));
    await expect(first).rejects.toThrow(CamError);
    await expect(same).rejects.toThrow(CamError);
    answer(1, "later");
    expect(await later).toMatchObject({ name: "later" });
    expect(calls).toHaveLength(2);
  });
});

describe("a finished read", () => {
  test("is cached for the configured time, and a failure is not cached", async () => {
    const { read, clock, calls, answer } = readsOf(500);
    // The cache takes the time 0 as unset.
    await clock.advance(1);
    const failed = read();
    calls[0]?.reject(new CamError({ kind: "TIMEOUT", action: "x", attempts: 1 }));
    await expect(failed).rejects.toThrow();
    const first = read();
    answer(1, "first");
    await first;
    await clock.advance(499);
    expect(await read()).toMatchObject({ name: "first" });
    await clock.advance(2);
    void read();
    expect(calls).toHaveLength(3);
  });

  test("is not cached by default", async () => {
    const { read, calls, answer } = readsOf(0);
    const first = read();
    answer(0, "first");
    await first;
    void read();
    expect(calls).toHaveLength(2);
  });
});

const MFA = `query ($opUins: [Uin!]!) { subUsers(opUins: $opUins) { mfa { login { phone } } } }`;

test("a change is visible immediately, although earlier reads are cached", async () => {
  const { send, cam } = await startGateway({ env: { CAM_FLAGS_CACHE_MS: "60000" } });
  const read = () => send(MFA, { opUins: [ALICE, HEIDI] });
  const flagReads = () => cam.counters()["DescribeSafeAuthFlagColl"]?.received;
  await read();
  expect((await read()).data).toEqual({
    subUsers: [{ mfa: { login: { phone: false } } }, { mfa: { login: { phone: false } } }],
  });
  expect(flagReads()).toBe(2);
  const change = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { subUser { mfa { login { phone } } } } }`;
  expect((await send(change)).data).toEqual({
    setSubUserMfa: { subUser: { mfa: { login: { phone: true } } } },
  });
  expect((await read()).data).toMatchObject({ subUsers: [{ mfa: { login: { phone: true } } }, {}] });
  // CAM gets two more reads of Alice, before and after the change. Heidi's flags come from the cache.
  expect(flagReads()).toBe(4);
});

test("a failed change drops the cached flags of its user", async () => {
  const { send, cam } = await startGateway({ env: { CAM_FLAGS_CACHE_MS: "60000" } });
  await send(MFA, { opUins: [BOB] });
  await send(`mutation { setSubUserMfa(opUin: "${BOB}", login: { phone: true }) { requestId } }`);
  await send(MFA, { opUins: [BOB] });
  expect(cam.counters()["DescribeSafeAuthFlagColl"]?.received).toBe(3);
});

test("a page of 50 users with their protections takes 1 call for profiles and 50 for protections", async () => {
  const uins = Array.from({ length: 50 }, (_, at) => String(100_000_000 + at));
  const { send, cam } = await startGateway({
    env: { CAM_RATE_PER_SECOND: "1000" },
    emulator: { ratePerSecond: 1_000 },
  });
  for (const uin of uins) cam.putUser({ uin, name: `user-${uin}` });
  const { data, errors } = await send(MFA, { opUins: uins });
  expect(errors).toEqual([]);
  expect(data?.["subUsers"]).toHaveLength(50);
  expect(cam.counters()["DescribeSubAccounts"]?.received).toBe(1);
  expect(cam.counters()["DescribeSafeAuthFlagColl"]?.received).toBe(50);
});

test("a page of 50 users at 20 calls a second waits for the quota, and CAM throttles nothing", async () => {
  const uins = Array.from({ length: 50 }, (_, at) => String(100_000_000 + at));
  const { send, cam } = await startGateway();
  for (const uin of uins) cam.putUser({ uin, name: `user-${uin}` });
  const { data, errors } = await send(MFA, { opUins: uins });
  expect(errors).toEqual([]);
  expect(data?.["subUsers"]).toHaveLength(50);
  expect(cam.counters()["DescribeSafeAuthFlagColl"]).toMatchObject({ received: 50, throttled: 0 });
});
