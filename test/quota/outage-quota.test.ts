import { expect, test } from "vitest";
import type { Slot, SlotRequest } from "../../src/cam/index.ts";
import type { GatewayError } from "../../src/contract/index.ts";
import { OutageQuota } from "../../src/quota/outage-quota.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { slotRequest } from "./slot-request.ts";

/** A second and the guard. */
const WINDOW_MS = 1_025;

function createQuota({ ratePerSecond = 2, sinceMs = Number.NEGATIVE_INFINITY } = {}) {
  const clock = new FakeClock();
  const outage = new AbortController();
  const cause = new Error("the database is down");
  const quota = new OutageQuota({ clock, ratePerSecond, sinceMs, ended: outage.signal, cause });
  const take = (request: Partial<SlotRequest> = {}) =>
    quota.take(slotRequest({ access: "read", ...request }));
  /** The present state of a take. */
  const watch = (taking: Promise<Slot | undefined>) => {
    const seen: { slot?: Slot | undefined; error?: unknown } = {};
    taking.then(
      (slot) => Object.assign(seen, { slot }),
      (error: unknown) => Object.assign(seen, { error }),
    );
    return seen;
  };
  return { clock, quota, take, watch, end: () => outage.abort(), cause };
}

test("a full window makes the next caller wait until the first call leaves it", async () => {
  const { clock, take, watch } = createQuota();
  await take();
  await clock.advance(100);
  await take();
  const third = watch(take());
  await clock.advance(WINDOW_MS - 101);
  expect(third).toEqual({});
  await clock.advance(1);
  expect(third.slot?.waitedMs).toBe(WINDOW_MS - 100);
});

test("the windows are full when the outage begins", async () => {
  const { clock, take, watch } = createQuota({ sinceMs: 0 });
  const reads = [watch(take()), watch(take()), watch(take())];
  await clock.advance(WINDOW_MS - 1);
  expect(reads).toEqual([{}, {}, {}]);
  await clock.advance(1);
  expect(reads.map(({ slot }) => slot?.waitedMs)).toEqual([WINDOW_MS, WINDOW_MS, undefined]);
});

test("a write is refused with the cause of the outage", async () => {
  const { take, cause } = createQuota();
  await expect(take({ access: "write" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", cause });
});

test.each([
  { ahead: 0, waitMs: WINDOW_MS },
  { ahead: 1, waitMs: WINDOW_MS },
  { ahead: 2, waitMs: 2 * WINDOW_MS },
  { ahead: 5, waitMs: 3 * WINDOW_MS },
])(
  "behind $ahead waiting callers, an impatient caller is refused immediately with $waitMs ms",
  async (row) => {
    const { take } = createQuota();
    await take();
    await take();
    for (let ahead = 0; ahead < row.ahead; ahead++) void take();
    await expect(take({ deadlineMs: row.waitMs })).rejects.toMatchObject({
      code: "QUOTA_EXHAUSTED",
      retryAfterMs: row.waitMs,
    });
  },
);

test("a refused caller gets a slot after retryAfterMs, if no other caller came", async () => {
  const { clock, take } = createQuota();
  await take();
  await take();
  const refusal: unknown = await take({ deadlineMs: 10 }).catch((error: unknown) => error);
  await clock.advance((refusal as GatewayError).retryAfterMs ?? 0);
  await expect(take({ deadlineMs: clock.monotonic() + 1 })).resolves.toMatchObject({ waitedMs: 0 });
});

test("interactive calls go before bulk calls, and callers take turns", async () => {
  const { clock, take } = createQuota({ ratePerSecond: 1, sinceMs: 0 });
  const served: string[] = [];
  const enter = (caller: string, priority: SlotRequest["priority"] = "interactive") =>
    void take({ caller, priority }).then(() => served.push(caller));
  enter("a rollout", "bulk");
  enter("busy");
  enter("busy");
  enter("rare");
  await clock.advance(4 * WINDOW_MS);
  expect(served).toEqual(["busy", "rare", "busy", "a rollout"]);
});

test("a waiting caller whose turn does not come in time is refused at its deadline", async () => {
  const { clock, take, watch } = createQuota({ ratePerSecond: 1 });
  await take();
  const bulk = watch(take({ priority: "bulk", deadlineMs: WINDOW_MS + 500 }));
  void take();
  await clock.advance(WINDOW_MS + 499);
  expect(bulk).toEqual({});
  await clock.advance(1);
  expect(bulk.error).toMatchObject({ code: "QUOTA_EXHAUSTED", retryAfterMs: WINDOW_MS - 500 });
  expect(clock.pendingTimers).toBe(0);
});

test("an aborted caller leaves the queue with its reason, and the next one moves up", async () => {
  const { clock, take, watch } = createQuota({ ratePerSecond: 1 });
  await take();
  const controller = new AbortController();
  const second = watch(take({ signal: controller.signal }));
  const third = watch(take());
  const reason = new Error("the caller went away");
  controller.abort(reason);
  await clock.advance(WINDOW_MS);
  expect(second.error).toBe(reason);
  expect(third.slot?.waitedMs).toBe(WINDOW_MS);
});

test("a signal aborted before is refused, and no timer remains when the last caller leaves", async () => {
  const { clock, take } = createQuota({ sinceMs: 0 });
  const controller = new AbortController();
  const waiting = take({ signal: controller.signal });
  expect(clock.pendingTimers).toBe(1);
  controller.abort();
  await expect(waiting).rejects.toBe(controller.signal.reason);
  expect(clock.pendingTimers).toBe(0);
  await expect(take({ signal: controller.signal })).rejects.toBe(controller.signal.reason);
});

test("a throttle closes the whole window for every caller", async () => {
  const { clock, take, watch } = createQuota({ ratePerSecond: 3 });
  const throttled = await take();
  await clock.advance(40);
  throttled?.settle("THROTTLED");
  const waiting = [watch(take()), watch(take()), watch(take())];
  await clock.advance(WINDOW_MS - 1);
  expect(waiting).toEqual([{}, {}, {}]);
  await clock.advance(1);
  expect(waiting.map(({ slot }) => slot?.waitedMs)).toEqual([WINDOW_MS, WINDOW_MS, WINDOW_MS]);
});

test("only the first settle counts", async () => {
  const { take } = createQuota({ ratePerSecond: 2 });
  const first = await take();
  first?.settle("ANSWERED");
  first?.settle("THROTTLED");
  await expect(take({ deadlineMs: 1 })).resolves.toMatchObject({ waitedMs: 0 });
});

test("the end of the outage releases waiting callers and makes slots invalid", async () => {
  const { clock, take, end } = createQuota({ ratePerSecond: 1 });
  const slot = await take();
  expect(slot?.tryBegin()).toBe(true);
  const waiting = take();
  end();
  await expect(waiting).resolves.toBeUndefined();
  await expect(take({ access: "write" })).resolves.toBeUndefined();
  expect(slot?.tryBegin()).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test("each action and each key has a limit of its own, and its own figures", async () => {
  const { quota, take } = createQuota({ ratePerSecond: 1 });
  const key = { action: "GetUser", secretId: "AKIDONE" };
  await take({ ...key, deadlineMs: 1 });
  await expect(take({ ...key, deadlineMs: 1 })).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED" });
  await expect(take({ ...key, secretId: "AKIDTWO", deadlineMs: 1 })).resolves.toMatchObject({ waitedMs: 0 });
  await expect(take({ ...key, action: "ListUsers", deadlineMs: 1 })).resolves.toMatchObject({ waitedMs: 0 });
  void take(key);
  expect(quota.usage(key)).toEqual({ used: 1, queued: 1, nextSlotInMs: 2 * WINDOW_MS });
});
