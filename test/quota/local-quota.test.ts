import { expect, test } from "vitest";
import type { Slot } from "../../src/cam/index.ts";
import { GatewayError } from "../../src/contract/index.ts";
import { LocalQuota, LocalSlotQueue } from "../../src/quota/local-quota.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { slotRequest } from "./slot-request.ts";

/** A second and the guard. */
const WINDOW_MS = 1_025;

function createQueue({ limit = 2 } = {}) {
  const clock = new FakeClock();
  const queue = new LocalSlotQueue({ clock, ratePerSecond: limit });
  const take = (deadlineMs = 60_000, signal?: AbortSignal): Promise<Slot> =>
    queue.take(slotRequest({ deadlineMs, signal }));
  /** Takes a slot that is free now, and lets its call arrive immediately. */
  const spendOne = async (): Promise<void> => {
    const slot = await take();
    slot.tryBegin();
    slot.settle("ANSWERED");
  };
  /** The present state of a take. */
  const watch = (taking: Promise<Slot>) => {
    const seen: { slot?: Slot; error?: unknown } = {};
    taking.then(
      (slot) => Object.assign(seen, { slot }),
      (error: unknown) => Object.assign(seen, { error }),
    );
    return seen;
  };
  return { clock, take, spendOne, watch };
}

test("a full window makes the next caller wait until the first call leaves it", async () => {
  const { clock, take, spendOne, watch } = createQueue();
  await spendOne();
  await clock.advance(100);
  await spendOne();
  const third = watch(take());
  await clock.advance(WINDOW_MS - 101);
  expect(third.slot).toBeUndefined();
  await clock.advance(1);
  expect(third.slot?.waitedMs).toBe(WINDOW_MS - 100);
});

test.each([
  { ahead: 0, waitMs: WINDOW_MS },
  { ahead: 1, waitMs: WINDOW_MS },
  { ahead: 2, waitMs: 2 * WINDOW_MS },
  { ahead: 5, waitMs: 3 * WINDOW_MS },
])(
  "behind $ahead waiting callers, an impatient caller is refused immediately with $waitMs ms",
  async (row) => {
    const { take, spendOne } = createQueue();
    await spendOne();
    await spendOne();
    for (let ahead = 0; ahead < row.ahead; ahead++) void take();
    await expect(take(row.waitMs)).rejects.toMatchObject({
      code: "QUOTA_EXHAUSTED",
      retryAfterMs: row.waitMs,
    });
    await expect(take(1)).rejects.toBeInstanceOf(GatewayError);
  },
);

test("a refused caller gets a slot after retryAfterMs, if no other caller came", async () => {
  const { clock, take, spendOne } = createQueue();
  await spendOne();
  await spendOne();
  const refusal: unknown = await take(10).catch((error: unknown) => error);
  await clock.advance((refusal as GatewayError).retryAfterMs ?? 0);
  await expect(take(clock.monotonic() + 1)).resolves.toMatchObject({ waitedMs: 0 });
});

test("a waiting caller whose turn does not come in time is refused at its deadline", async () => {
  const { clock, take, watch } = createQueue({ limit: 1 });
  await take(); // In flight, so the estimate is too short.
  const second = watch(take(WINDOW_MS + 1));
  await clock.advance(WINDOW_MS);
  expect(second).toEqual({});
  await clock.advance(1);
  expect(second.error).toMatchObject({ code: "QUOTA_EXHAUSTED", retryAfterMs: WINDOW_MS });
  expect(clock.pendingTimers).toBe(0);
});

test("an aborted caller leaves the queue with its reason, and the next one moves up", async () => {
  const { clock, take, spendOne, watch } = createQueue({ limit: 1 });
  await spendOne();
  const controller = new AbortController();
  const second = watch(take(60_000, controller.signal));
  const third = watch(take());
  const reason = new Error("the caller went away");
  controller.abort(reason);
  await clock.advance(WINDOW_MS);
  expect(second.error).toBe(reason);
  expect(third.slot?.waitedMs).toBe(WINDOW_MS);
});

test("an abort after the slot was given changes nothing, and a signal aborted before is refused", async () => {
  const { take } = createQueue();
  const controller = new AbortController();
  const slot = await take(60_000, controller.signal);
  controller.abort();
  slot.settle("UNUSED");
  await expect(take(60_000, controller.signal)).rejects.toBe(controller.signal.reason);
});

test("no timer remains when the last waiting caller leaves", async () => {
  const { clock, take, spendOne, watch } = createQueue({ limit: 1 });
  await spendOne();
  const controller = new AbortController();
  watch(take(60_000, controller.signal));
  expect(clock.pendingTimers).toBe(1);
  controller.abort();
  expect(clock.pendingTimers).toBe(0);
});

test("an unused slot makes its place free immediately", async () => {
  const { clock, take, watch } = createQueue({ limit: 1 });
  const first = await take();
  const second = watch(take());
  first.settle("UNUSED");
  await clock.advance(0);
  expect(second.slot?.waitedMs).toBe(0);
});

test("a sent slot is not free again, even if its caller reports it as unused", async () => {
  const { clock, take, watch } = createQueue({ limit: 1 });
  const first = await take();
  const second = watch(take());
  first.tryBegin();
  first.settle("UNUSED");
  await clock.advance(WINDOW_MS - 1);
  expect(second.slot).toBeUndefined();
});

test("only the first settle counts", async () => {
  const { clock, take, watch } = createQueue({ limit: 1 });
  const first = await take();
  first.tryBegin();
  first.settle("ANSWERED");
  first.settle("UNUSED");
  const second = watch(take());
  await clock.advance(WINDOW_MS - 1);
  expect(second.slot).toBeUndefined();
});

test.each(["THROTTLED", "LOST", "ANSWERED"] as const)(
  "a slot that is settled as %s without a report of its sending counts as arrived at that time",
  async (outcome) => {
    const { clock, take, watch } = createQueue({ limit: 1 });
    const first = await take();
    await clock.advance(300);
    first.settle(outcome);
    const second = watch(take());
    await clock.advance(WINDOW_MS - 1);
    expect(second.slot).toBeUndefined();
    await clock.advance(1);
    expect(second.slot).toBeDefined();
  },
);

test("a throttle closes the whole window for every caller", async () => {
  const { clock, take, watch } = createQueue({ limit: 3 });
  const throttled = await take();
  throttled.tryBegin();
  await clock.advance(40);
  throttled.settle("THROTTLED");
  const waiting = [watch(take()), watch(take()), watch(take())];
  await clock.advance(WINDOW_MS - 1);
  expect(waiting).toEqual([{}, {}, {}]);
  await clock.advance(1);
  expect(waiting.map(({ slot }) => slot?.waitedMs)).toEqual([WINDOW_MS, WINDOW_MS, WINDOW_MS]);
});

test("a sent call that is never settled counts as arrived a second after it was sent", async () => {
  const { clock, take, watch } = createQueue({ limit: 1 });
  (await take()).tryBegin();
  const second = watch(take());
  await clock.advance(1_000 + WINDOW_MS - 1);
  expect(second.slot).toBeUndefined();
  await clock.advance(1);
  expect(second.slot).toBeDefined();
});

test("a slot that is neither sent nor settled is given up after its deadline", async () => {
  const { clock, take, watch } = createQueue({ limit: 1 });
  await take(5_000);
  const second = watch(take());
  await clock.advance(5_000 + 1_000 + WINDOW_MS - 1);
  expect(second.slot).toBeUndefined();
  await clock.advance(1);
  expect(second.slot).toBeDefined();
});

test("a reply that comes long after the call was given up does not close the window again", async () => {
  const { clock, take } = createQueue({ limit: 1 });
  const slot = await take();
  slot.tryBegin();
  await clock.advance(4_000);
  slot.settle("ANSWERED");
  await expect(take(clock.monotonic() + 1)).resolves.toMatchObject({ waitedMs: 0 });
});

test("each action and each key has a limit of its own", async () => {
  const clock = new FakeClock();
  const quota = new LocalQuota({ clock, ratePerSecond: 1 });
  const takeNow = (action: string, secretId: string) =>
    quota.take(slotRequest({ action, secretId, deadlineMs: 1 }));
  await takeNow("SetMfaFlag", "AKIDONE");
  await expect(takeNow("SetMfaFlag", "AKIDONE")).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED" });
  await expect(takeNow("SetMfaFlag", "AKIDTWO")).resolves.toMatchObject({ waitedMs: 0 });
  await expect(takeNow("DescribeSubAccounts", "AKIDONE")).resolves.toMatchObject({ waitedMs: 0 });
});
