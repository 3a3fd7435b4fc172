import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { describeSafeAuthFlagColl, type Quota } from "../../src/cam/index.ts";
import { systemClock } from "../../src/clock.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { ActionCounters } from "../../src/emulator/index.ts";
import { LocalQuota } from "../../src/quota/local-quota.ts";
import { createCam, within } from "../support/create-cam.ts";

/** A hundred calls at the same time, on new connections, against a strict limit of 20 in any second. */
async function burst(onSent: (sends: number) => void = () => undefined) {
  const emulator = await startEmulatorThread();
  const real = new LocalQuota({ clock: systemClock, ratePerSecond: 20 });
  let sends = 0;
  const quota: Quota = {
    async take(request) {
      const slot = await real.take(request);
      const tryBegin = () => {
        sends += 1;
        const inTime = slot.tryBegin();
        onSent(sends);
        return inTime;
      };
      return { waitedMs: slot.waitedMs, tryBegin, settle: (outcome) => slot.settle(outcome) };
    },
  };
  const { client, attempts } = createCam(emulator.url, { clock: systemClock, quota });
  const options = within(systemClock, { ms: 60_000 });
  const read = () => client.call(describeSafeAuthFlagColl, { subUin: "100021969091" as Uin }, options);
  await Promise.all(Array.from({ length: 100 }, read));
  const { DescribeSafeAuthFlagColl: counters } = await emulator.counters();
  return { counters, attempts };
}

/** Blocks this thread. */
function blockEventLoop(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
}

test("of a hundred calls at the same time, CAM throttles none", async () => {
  const { counters, attempts } = await burst();
  expect(counters).toMatchObject({ received: 100, accepted: 100, throttled: 0 });
  expect(attempts.filter(({ error }) => error !== undefined)).toEqual([]);
});

test("CAM throttles none either while the event loop is blocked at times, also at the worst moments", async () => {
  const blocking = setInterval(blockEventLoop, 770);
  onTestFinished(() => clearInterval(blocking));
  const { counters } = await burst((sends) => {
    // Between the report that a call is sent and its bytes, and when all calls of a second are written.
    if (sends % 20 === 1 || sends % 20 === 0) blockEventLoop();
  });
  expect(counters).toMatchObject({ received: 100, accepted: 100, throttled: 0 });
});

/**
 * Starts an emulator in its own thread, for tests of arrival times: like the vendor it reads while the gateway is busy.
 */
async function startEmulatorThread() {
  const thread = new Worker(new URL("../support/emulator-thread.ts", import.meta.url));
  onTestFinished(async () => {
    await thread.terminate();
  });
  const [{ url, controlUrl }] = (await once(thread, "message")) as [{ url: string; controlUrl: string }];
  const counters = async (): Promise<Record<string, ActionCounters>> => {
    const answer = await fetch(`${controlUrl}/counters`);
    return (await answer.json()) as Record<string, ActionCounters>;
  };
  return { url, counters };
}
