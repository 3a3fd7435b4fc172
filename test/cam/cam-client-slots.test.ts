import { expect, test } from "vitest";
import { getCallerIdentity, type Quota, type SlotOutcome, type SlotRequest } from "../../src/cam/index.ts";
import { GatewayError } from "../../src/contract/index.ts";
import { createCam, within } from "../support/create-cam.ts";
import { JumpingClock } from "../support/fake-clock.ts";
import { reply, startStubCam } from "../support/start-stub-cam.ts";

const IDENTITY = JSON.stringify({
  Response: { Type: "CAMUser", AccountId: "1", PrincipalId: "2", Arn: "", UserId: "2", RequestId: "stub" },
});

/** A quota whose first slots, as many as `misses`, end before the call can use them. */
function quotaThatMisses(misses: number, clock = new JumpingClock()) {
  const requests: SlotRequest[] = [];
  const outcomes: SlotOutcome[] = [];
  const quota: Quota = {
    async take(request) {
      requests.push(request);
      await request.ready;
      await clock.advance(100);
      if (clock.monotonic() >= request.deadlineMs)
        throw new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: 1 });
      const isOver = requests.length <= misses;
      return { waitedMs: 100, tryBegin: () => !isOver, settle: (outcome) => void outcomes.push(outcome) };
    },
  };
  return { quota, clock, requests, outcomes };
}

test("a call that misses its slot is not written and takes the next slot in the same attempt", async () => {
  const cam = await startStubCam(reply({ body: IDENTITY }));
  const { quota, clock, requests, outcomes } = quotaThatMisses(3);
  const { client, attempts } = createCam(cam.url, { quota, clock });
  await client.call(getCallerIdentity, undefined, within(clock));
  expect(cam.requests).toHaveLength(1);
  expect(cam.connections()).toBe(1);
  expect(outcomes).toEqual(["UNUSED", "UNUSED", "UNUSED", "ANSWERED"]);
  expect(requests.map(({ requeued }) => requeued)).toEqual([false, true, true, true]);
  expect(attempts).toMatchObject([{ attempt: 1, error: undefined, quotaWaitMs: 400 }]);
});

test("a call that misses every slot ends at its deadline and sends nothing", async () => {
  const cam = await startStubCam(reply({ body: IDENTITY }));
  const { quota, clock, outcomes } = quotaThatMisses(Number.POSITIVE_INFINITY);
  const { client } = createCam(cam.url, { quota, clock });
  const calling = client.call(getCallerIdentity, undefined, within(clock, { ms: 1_000 }));
  await expect(calling).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED" });
  expect(cam.requests).toEqual([]);
  expect(new Set(outcomes)).toEqual(new Set(["UNUSED"]));
});

test("the quota receives the caller and the last moment that leaves time for the exchange", async () => {
  const cam = await startStubCam(reply({ body: IDENTITY }));
  const { client, clock, quota } = createCam(cam.url);
  await client.call(getCallerIdentity, undefined, within(clock));
  await client.call(getCallerIdentity, undefined, {
    ...within(clock, { ms: 500 }),
    caller: "portal",
    priority: "bulk",
  });
  expect(quota.slots.map(({ request }) => request)).toMatchObject([
    { access: "read", caller: "gateway", priority: "interactive", deadlineMs: 60_000 - 300 },
    { access: "read", caller: "portal", priority: "bulk", deadlineMs: 400 },
  ]);
});

test("the connection is open before the slot is taken", async () => {
  const cam = await startStubCam(reply({ body: IDENTITY }));
  const { quota, clock, requests } = quotaThatMisses(0);
  const { client } = createCam(cam.url, { quota, clock });
  await client.call(getCallerIdentity, undefined, within(clock));
  await expect(requests[0]?.ready).resolves.toBeTypeOf("function");
  expect(cam.connections()).toBe(1);
});
