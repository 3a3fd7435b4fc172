import { expect, test } from "vitest";
import {
  CredentialError,
  describeSafeAuthFlagColl,
  mayHaveBeenApplied,
  type Quota,
  setMfaFlag,
} from "../../src/cam/index.ts";
import { GatewayError, type Uin } from "../../src/contract/index.ts";
import { startEmulator } from "../emulator/start-emulator.ts";
import { closedPort } from "../support/closed-port.ts";
import { createCam, within } from "../support/create-cam.ts";
import { FakeClock, JumpingClock } from "../support/fake-clock.ts";
import { cut, refusal, reply, silence, startStubCam } from "../support/start-stub-cam.ts";

const ALICE = "100021969091" as Uin;
const WRITE = { opUin: ALICE, login: { phone: false, stoken: true, wechat: false } };
const throttle = refusal("RequestLimitExceeded");

test("a throttled write is retried with backoff, and each attempt takes its own slot", async () => {
  const cam = await startStubCam(throttle, refusal("RequestLimitExceeded.UinLimitExceeded"), reply());
  const { client, clock, quota, attempts } = createCam(cam.url);
  await expect(client.call(setMfaFlag, WRITE, within(clock))).resolves.toEqual({
    output: undefined,
    camRequestId: "stub-request",
  });
  expect(clock.sleptMs).toEqual([50, 100]);
  expect(quota.outcomes).toEqual(["THROTTLED", "THROTTLED", "ANSWERED"]);
  expect(quota.slots.map(({ request }) => [request.action, request.secretId])).toEqual(
    Array(3).fill(["SetMfaFlag", "AKIDLOCALEXAMPLE"]),
  );
  expect(quota.slots.map(({ request }) => request.requeued)).toEqual([false, true, true]);
  const common = { action: "SetMfaFlag", traceId: "test-trace", quotaWaitMs: 0, durationMs: 0 };
  expect(attempts).toEqual([
    {
      ...common,
      attempt: 1,
      camRequestId: "stub-refusal",
      error: expect.objectContaining({ camCode: "RequestLimitExceeded", attempts: 1 }),
      next: { retryInMs: 50 },
    },
    {
      ...common,
      attempt: 2,
      camRequestId: "stub-refusal",
      error: expect.objectContaining({ camCode: "RequestLimitExceeded.UinLimitExceeded", attempts: 2 }),
      next: { retryInMs: 100 },
    },
    { ...common, attempt: 3, camRequestId: "stub-request", error: undefined, next: undefined },
  ]);
});

test("a write without a connection is retried until it can connect", async () => {
  const port = await closedPort();
  const clock = new JumpingClock();
  const { client, quota } = createCam(`http://127.0.0.1:${port}`, { clock });
  let emulator: Awaited<ReturnType<typeof startEmulator>> | undefined;
  clock.sleep = async () => {
    emulator = await startEmulator({ port });
    emulator.control.setClock({ frozen: true, atMs: clock.now() });
  };
  await client.call(setMfaFlag, WRITE, within(clock));
  expect(quota.outcomes).toEqual(["UNUSED", "ANSWERED"]);
  expect(emulator?.control.journal()).toHaveLength(1);
});

test("a write that never connects ends as UNREACHABLE after four attempts, and none is sent", async () => {
  const { client, clock, quota, attempts } = createCam(`http://127.0.0.1:${await closedPort()}`);
  const error: unknown = await client
    .call(setMfaFlag, WRITE, within(clock))
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ kind: "UNREACHABLE", attempts: 4, cause: { reason: "CONNECT_FAILED" } });
  expect(quota.outcomes).toEqual(Array(4).fill("UNUSED"));
  expect(attempts.map(({ next }) => next)).toEqual([
    { retryInMs: 50 },
    { retryInMs: 100 },
    { retryInMs: 200 },
    { gaveUp: "ATTEMPTS_USED_UP" },
  ]);
});

test("a write whose reply was lost is not sent again, and the observer receives the reason", async () => {
  const cam = await startStubCam(cut, reply());
  const { client, clock, attempts } = createCam(cam.url);
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toMatchObject({ attempts: 1 });
  expect(cam.requests).toHaveLength(1);
  expect(attempts).toMatchObject([{ next: { gaveUp: "OUTCOME_MUST_BE_RESOLVED" } }]);
});

test("an attempt begins only if the deadline leaves time for it", async () => {
  const cam = await startStubCam(throttle);
  const { client, clock, attempts } = createCam(cam.url);
  await expect(client.call(setMfaFlag, WRITE, within(clock, { ms: 120 }))).rejects.toMatchObject({
    kind: "REFUSED",
    camCode: "RequestLimitExceeded",
    attempts: 2,
  });
  expect(cam.requests).toHaveLength(2);
  expect(attempts.at(-1)?.next).toEqual({ gaveUp: "NO_TIME_LEFT" });
});

test.each([0, -1])("a call whose deadline was %d ms away takes no slot and sends nothing", async (ms) => {
  const cam = await startStubCam(reply());
  const { client, clock, quota, attempts } = createCam(cam.url);
  await expect(client.call(setMfaFlag, WRITE, within(clock, { ms }))).rejects.toMatchObject({
    kind: "UNREACHABLE",
    attempts: 0,
  });
  expect(quota.slots).toEqual([]);
  expect(cam.requests).toEqual([]);
  expect(attempts).toMatchObject([{ next: { gaveUp: "NO_TIME_LEFT" } }]);
});

test("a retry that wakes after the deadline sends nothing", async () => {
  const cam = await startStubCam(throttle, reply());
  const { client, clock } = createCam(cam.url);
  clock.sleep = () => clock.advance(200);
  await expect(client.call(setMfaFlag, WRITE, within(clock, { ms: 120 }))).rejects.toMatchObject({
    kind: "UNREACHABLE",
    attempts: 1,
  });
  expect(cam.requests).toHaveLength(1);
});

test("a refusal by the quota reaches the caller unchanged", async () => {
  const cam = await startStubCam(reply());
  const refused = new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: 700 });
  const quota: Quota = { take: () => Promise.reject(refused) };
  const { client, clock } = createCam(cam.url, { quota });
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toBe(refused);
  expect(cam.requests).toEqual([]);
});

test("a call without a usable credential takes no slot and is not retried", async () => {
  const cam = await startStubCam(reply());
  const cause = new CredentialError("Half a key pair.");
  const provider = { name: "broken", load: () => Promise.reject(cause) };
  const { client, clock, quota, attempts } = createCam(cam.url, { provider });
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toMatchObject({
    kind: "NO_CREDENTIAL",
    attempts: 0,
    cause,
  });
  expect(quota.slots).toEqual([]);
  expect(attempts).toMatchObject([{ next: { gaveUp: "NOT_TRANSIENT" } }]);
});

test("a call gives its slot back if signing fails", async () => {
  const cam = await startStubCam(reply());
  const clock = new JumpingClock(Number.NaN);
  const { client, quota } = createCam(cam.url, { clock });
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toThrow(RangeError);
  expect(quota.outcomes).toEqual(["UNUSED"]);
});

test("a call with an already aborted signal takes no slot", async () => {
  const cam = await startStubCam(reply());
  const { client, clock, quota } = createCam(cam.url);
  await expect(
    client.call(setMfaFlag, WRITE, within(clock, { signal: AbortSignal.abort("gone") })),
  ).rejects.toMatchObject({ name: "CamError", kind: "ABORTED", attempts: 0, cause: "gone" });
  expect(quota.slots).toEqual([]);
});

test("an abort ends a call that waits for the quota", async () => {
  const cam = await startStubCam(reply());
  const controller = new AbortController();
  const quota: Quota = {
    take: async ({ signal }) => {
      controller.abort("gone");
      throw signal?.reason;
    },
  };
  const { client, clock, attempts } = createCam(cam.url, { quota });
  await expect(
    client.call(setMfaFlag, WRITE, within(clock, { signal: controller.signal })),
  ).rejects.toMatchObject({ name: "CamError", kind: "ABORTED", attempts: 0 });
  expect(attempts).toMatchObject([{ error: { kind: "ABORTED" }, next: { gaveUp: "NOT_TRANSIENT" } }]);
});

test("an abort ends a request in flight, which may have been applied", async () => {
  const cam = await startStubCam(silence);
  const { client, clock, quota } = createCam(cam.url);
  const controller = new AbortController();
  const calling = client.call(setMfaFlag, WRITE, within(clock, { signal: controller.signal }));
  await cam.requestCount(1);
  controller.abort();
  const error: unknown = await calling.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "CamError", kind: "ABORTED", attempts: 1 });
  expect(mayHaveBeenApplied(error as Parameters<typeof mayHaveBeenApplied>[0])).toBe(true);
  expect(quota.outcomes).toEqual(["LOST"]);
});

test("an abort between two attempts prevents the second", async () => {
  const cam = await startStubCam(throttle, reply());
  const controller = new AbortController();
  const { client, clock, quota } = createCam(cam.url, { clock: new FakeClock() });
  const calling = client.call(
    describeSafeAuthFlagColl,
    { subUin: ALICE },
    within(clock, { signal: controller.signal }),
  );
  const verdict = expect(calling).rejects.toMatchObject({ name: "CamError", kind: "ABORTED", attempts: 1 });
  clock.sleep = async (_ms, signal) => {
    controller.abort();
    signal?.throwIfAborted();
  };
  await verdict;
  expect(quota.outcomes).toEqual(["THROTTLED"]);
  expect(cam.requests).toHaveLength(1);
});
