import { expect, test } from "vitest";
import { openReplicas } from "./open-replicas.ts";
import type { SimulatedCall } from "./simulate-replicas.ts";

/** Returns how many of the calls have a slot at that time. */
const grantedBy = (calls: readonly SimulatedCall[], ms: number): number =>
  calls.filter(({ grantedMs = Number.POSITIVE_INFINITY }) => grantedMs <= ms).length;

const CALL = { caller: "a", deadlineMs: 20_000 };

test("an account whose window is full takes no slots of an account with another key", async () => {
  const { time, first } = await openReplicas();
  const [mine, yours] = [first.quotaOf(20), first.quotaOf(5)];
  for (let call = 0; call < 200; call++) void first.call({ ...CALL, quota: mine, secretId: "AKIDMINE" });
  for (let call = 0; call < 5; call++) void first.call({ ...CALL, quota: yours, secretId: "AKIDYOURS" });
  const ofYours = first.calls.slice(200);
  await time.runUntil(1_000);
  expect(grantedBy(first.calls.slice(0, 200), 1_000)).toBe(20);
  expect(grantedBy(ofYours, 1_000)).toBe(5);
});

test("a throttle of one account does not widen another account's window", async () => {
  let throttled = true;
  const { time, first } = await openReplicas({
    circumstances: () => ({ outcome: () => (throttled ? "THROTTLED" : "ANSWERED") }),
  });
  const [mine, yours] = [first.quotaOf(20), first.quotaOf(20)];
  void first.call({ ...CALL, quota: mine, secretId: "AKIDMINE" });
  await time.runUntil(100);
  throttled = false;
  void first.call({ ...CALL, quota: yours, secretId: "AKIDYOURS" });
  await time.runUntil(200);
  const quotas = Promise.all([mine.usage(), yours.usage()]);
  await time.runUntil(300);
  expect((await quotas).map(([quota]) => quota?.throttledRecently)).toEqual([true, false]);
});

test("two names for one key share its window, and the callers of both take turns", async () => {
  const { time, first } = await openReplicas();
  const [one, other] = [first.quotaOf(20), first.quotaOf(20)];
  for (let call = 0; call < 100; call++) void first.call({ ...CALL, quota: one });
  for (let call = 0; call < 10; call++) void first.call({ ...CALL, caller: "b", quota: other });
  await time.runUntil(1_000);
  expect(grantedBy(first.calls, 1_000)).toBe(20);
  // Of 20 slots nearly every second is b's.
  expect(grantedBy(first.calls.slice(100), 1_000)).toBeGreaterThanOrEqual(9);
});

test("an account with a lower rate stays under it, even if another account with the same key takes more", async () => {
  const { time, first } = await openReplicas();
  const [low, high] = [first.quotaOf(5), first.quotaOf(20)];
  for (let call = 0; call < 10; call++) void first.call({ ...CALL, quota: high });
  await time.runUntil(300);
  void first.call({ ...CALL, quota: low });
  await time.runUntil(900);
  expect(grantedBy(first.calls, 900)).toBe(10);
  await time.runUntil(2_500);
  expect(grantedBy(first.calls, 2_500)).toBe(11);
});
