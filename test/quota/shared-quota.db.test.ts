import { describe, expect, test } from "vitest";
import type { ActionQuota } from "../../src/quota/shared-quota.ts";
import { openReplicas } from "./open-replicas.ts";
import { peakPerSecond, quantile, type SimulatedCall, type SimulatedReplica } from "./simulate-replicas.ts";
import type { SimulatedTime } from "./simulated-time.ts";

const LIMIT = 20;

/** Calls that arrived in the given time. */
function arrived(calls: readonly SimulatedCall[], fromMs: number, toMs: number): SimulatedCall[] {
  return calls.filter(({ arrivedMs = -1 }) => arrivedMs >= fromMs && arrivedMs < toMs);
}

describe("a call that comes when slots are free", () => {
  test("gets one with one statement", async () => {
    const { time, database, first } = await openReplicas();
    for (let call = 0; call < 30; call++) {
      void first.call({ caller: "a", deadlineMs: 1_000 });
      await time.runUntil(time.nowMs + 100);
    }
    expect(first.calls.every(({ madeMs, grantedMs = Number.NaN }) => grantedMs - madeMs < 5)).toBe(true);
    expect(database.statements).toBe(30);
  });

  test("gets none before its connection is open, and does not block other calls", async () => {
    const { time, database, first } = await openReplicas();
    void first.call({ caller: "a", deadlineMs: 1_000, connectingMs: 150 });
    await time.runUntil(10);
    expect(database.statements).toBe(0);
    void first.call({ caller: "b", deadlineMs: 1_000 });
    await time.runUntil(500);
    const [slow, quick] = first.calls;
    expect(quick?.grantedMs).toBeLessThan(20);
    expect(slow?.grantedMs).toBeGreaterThanOrEqual(150);
    expect(slow?.grantedMs).toBeLessThan(170);
  });

  test("gets one before an earlier call of the same caller whose connection is not open", async () => {
    const { time, database, first } = await openReplicas();
    void first.call({ caller: "a", deadlineMs: 1_000, connectingMs: 150 });
    void first.call({ caller: "a", deadlineMs: 1_000 });
    await time.runUntil(500);
    const [slow, quick] = first.calls;
    expect(quick?.grantedMs).toBeLessThan(20);
    expect(slow?.grantedMs).toBeGreaterThanOrEqual(150);
    // One statement for each call, and one to learn the wait: a call without a connection takes no slot.
    expect(database.statements).toBeLessThanOrEqual(3);
  });

  test("gets one behind unknown calls of another replica", async () => {
    const { time, replicas, first } = await openReplicas({ count: 2 });
    for (let call = 0; call < LIMIT; call++) void first.call({ caller: "a", deadlineMs: 1_000 });
    await time.runUntil(500);
    void replicas[1]?.call({ caller: "b", deadlineMs: 1_000 });
    await time.runUntil(3_000);
    const [call] = replicas[1]?.calls ?? [];
    expect(call?.grantedMs).toBeGreaterThan(1_025);
    expect(call?.grantedMs).toBeLessThan(1_050);
  });
});

describe("a call that cannot be in time", () => {
  test("is refused after the first answer of the database, with the wait from that answer", async () => {
    const { time, replicas, first } = await openReplicas({ count: 2 });
    for (let call = 0; call < LIMIT; call++) void first.call({ caller: "a", deadlineMs: 1_000 });
    await time.runUntil(500);
    void replicas[1]?.call({ caller: "b", deadlineMs: 300 });
    await time.runUntil(3_000);
    const [call] = replicas[1]?.calls ?? [];
    expect((call?.refusedMs ?? 0) - 500).toBeLessThan(20);
    const freeAgainMs = (first.calls[0]?.grantedMs ?? 0) + 1_025;
    expect(call?.refusal).toMatchObject({ code: "QUOTA_EXHAUSTED" });
    expect(Math.abs(500 + (call?.refusal?.retryAfterMs ?? 0) - freeAgainMs)).toBeLessThan(20);
  });

  test.each([1, 3])(
    "is refused immediately if the wait is known, with the true wait: %s replicas",
    async (count) => {
      const { time, replicas, offer } = await openReplicas({ count });
      offer(12_000, count * 30, (replica) => replica.call({ caller: "a", deadlineMs: 3_000 }));
      const pairs: { readonly refused: SimulatedCall; readonly served: SimulatedCall }[] = [];
      for (let probe = 0; probe < 12; probe++) {
        await time.runUntil(4_000 + probe * 500);
        const replica = replicas[probe % count];
        // Two callers have the same place at the same time: the refusal of one contains the wait of the other.
        void replica?.call({ caller: `hasty ${probe}`, deadlineMs: 30 });
        void replica?.call({ caller: `patient ${probe}`, deadlineMs: 10_000 });
        const [refused, served] = replica?.calls.slice(-2) ?? [];
        if (refused !== undefined && served !== undefined) pairs.push({ refused, served });
      }
      await time.runUntil(20_000);
      const errors = pairs.flatMap(({ refused, served }) => {
        if (refused.refusal === undefined) return [];
        expect((refused.refusedMs ?? Number.NaN) - refused.madeMs).toBeLessThan(20);
        return Math.abs((refused.refusal.retryAfterMs ?? 0) - ((served.grantedMs ?? 0) - served.madeMs));
      });
      expect(errors.length).toBeGreaterThan(6);
      // Precise to two places in the queue.
      expect(quantile(errors, 0.9)).toBeLessThan(110);
    },
  );

  test("at the end of a long queue is refused with the true wait too", async () => {
    const { time, first } = await openReplicas();
    for (let call = 0; call < 150; call++) void first.call({ caller: "a", deadlineMs: 60_000 });
    await time.runUntil(1_500);
    void first.call({ caller: "a", deadlineMs: 1_000 });
    void first.call({ caller: "a", deadlineMs: 60_000 });
    await time.runUntil(20_000);
    const [refused, served] = first.calls.slice(-2);
    const waitMs = (served?.grantedMs ?? 0) - (served?.madeMs ?? 0);
    expect(refused?.refusedMs).toBe(1_500);
    expect(Math.abs((refused?.refusal?.retryAfterMs ?? 0) / waitMs - 1)).toBeLessThan(0.03);
  });

  test("is refused before its connection is open", async () => {
    const { time, first } = await openReplicas();
    for (let call = 0; call < 60; call++)
      void first.call({ caller: "a", deadlineMs: 1_000, connectingMs: 200 });
    await time.runUntil(5_000);
    const refused = first.calls.filter(({ refusal }) => refusal !== undefined);
    expect(refused.length).toBeGreaterThanOrEqual(40);
    const inTime = refused.filter(({ refusedMs = Number.NaN }) => refusedMs < 20);
    expect(inTime.length / refused.length).toBeGreaterThan(0.9);
  });

  test("is refused if the queue is full, unless another caller has more waiting calls", async () => {
    const { time, first } = await openReplicas();
    for (let call = 0; call < 1_002; call++) void first.call({ caller: "a", deadlineMs: 600_000 });
    void first.call({ caller: "b", deadlineMs: 600_000 });
    await time.runUntil(5_000);
    const refused = first.calls.filter(({ refusal }) => refusal !== undefined);
    expect(refused.map((call) => first.calls.indexOf(call))).toEqual([999, 1_000, 1_001]);
    expect(first.calls.at(-1)?.arrivedMs).toBeLessThan(200);
  });
});

describe("a call that is written late", () => {
  test.each([
    { count: 1, statements: 1 },
    { count: 2, statements: 3 },
  ])(
    "is reported immediately if others use the window too: $count replicas",
    async ({ count, statements }) => {
      const { time, database, replicas, first } = await openReplicas({
        count,
        circumstances: () => ({ writingMs: () => 60 }),
      });
      if (count > 1) void replicas[1]?.call({ caller: "b", deadlineMs: 1_000 });
      await time.runUntil(20);
      void first.call({ caller: "a", deadlineMs: 1_000 });
      await time.runUntil(500);
      expect(database.statements).toBe(statements);
      expect(first.reports).toEqual([]);
    },
  );

  test("moves its slot, so that no second exceeds the limit", async () => {
    const { time, first } = await openReplicas({
      circumstances: (t) => ({ writingMs: () => t.between(0, 99) }),
    });
    for (let call = 0; call < 100; call++) void first.call({ caller: "a", deadlineMs: 20_000 });
    await time.runUntil(10_000);
    expect(arrived(first.calls, 0, 10_000)).toHaveLength(100);
    expect(peakPerSecond(first.calls)).toBe(LIMIT);
  });

  test("gives its slot up if it is too late, and takes the next one", async () => {
    let writingMs = 150;
    const { time, first } = await openReplicas({ circumstances: () => ({ writingMs: () => writingMs }) });
    void first.call({ caller: "a", deadlineMs: 1_000 });
    await time.runUntil(100);
    writingMs = 1;
    await time.runUntil(500);
    expect(first.reports).toEqual(["missed"]);
    expect(first.calls[0]?.arrivedMs).toBeGreaterThan(150);
    expect(first.calls[0]?.arrivedMs).toBeLessThan(175);
  });
});

describe("a caller who aborts", () => {
  test("leaves its place to the calls behind, and wastes no slot", async () => {
    const { time, first } = await openReplicas();
    const controller = new AbortController();
    const { signal } = controller;
    for (let call = 0; call < 40; call++) void first.call({ caller: "a", deadlineMs: 10_000 });
    await time.runUntil(500);
    const gone = first.call({ caller: "b", deadlineMs: 10_000, signal }).catch((error: unknown) => error);
    void first.call({ caller: "c", deadlineMs: 10_000 });
    const reason = new Error("the caller went away");
    controller.abort(reason);
    await time.runUntil(5_000);
    await expect(gone).resolves.toBe(reason);
    expect(first.calls.at(-1)?.grantedMs).toBeLessThan(1_050);
    expect(arrived(first.calls, 0, 5_000)).toHaveLength(41);
  });
});

describe("a throttle that one replica meets", () => {
  test("stops all replicas for a window, slows them down, and has no effect later", async () => {
    let throttled = false;
    const { time, replicas, first } = await openReplicas({
      count: 2,
      circumstances: () => ({ outcome: () => (throttled ? "THROTTLED" : "ANSWERED") }),
    });
    void first.call({ caller: "a", deadlineMs: 1_000 });
    throttled = true;
    await time.runUntil(100);
    throttled = false;
    expect(first.reports).toEqual(["throttled"]);
    for (let call = 0; call < 100; call++) void replicas[1]?.call({ caller: "b", deadlineMs: 10_000 });
    await time.runUntil(150);
    const [quota] = await quotasOf(time, first);
    expect(quota).toMatchObject({ throttledRecently: true, used: 1 });
    expect(quota?.windowMs).toBeGreaterThan(1_270);
    expect(quota?.nextSlotInMs).toBeGreaterThan(1_000);
    await time.runUntil(12_000);
    const others = replicas[1]?.calls ?? [];
    expect(others[0]?.grantedMs).toBeGreaterThan(1_275);
    const inFirstSecond = arrived(others, 1_000, 6_000).length / 5;
    expect(inFirstSecond).toBeLessThan(17);
    await time.runUntil(150_000);
    await expect(quotasOf(time, first)).resolves.toMatchObject([
      { throttledRecently: false, windowMs: 1_025 },
    ]);
  });
});

describe("the quotas", () => {
  test("show the calls of all replicas, the calls that wait here, and the time of the next slot", async () => {
    const { time, replicas, first } = await openReplicas({ count: 2 });
    for (let call = 0; call < 12; call++) void replicas[1]?.call({ caller: "b", deadlineMs: 10_000 });
    await time.runUntil(200);
    await expect(quotasOf(time, first)).resolves.toEqual([]);
    for (let call = 0; call < 30; call++) void first.call({ caller: "a", deadlineMs: 10_000 });
    await time.runUntil(400);
    const [quota, ...others] = await quotasOf(time, first);
    expect(others).toEqual([]);
    expect(quota).toMatchObject({
      action: "SetMfaFlag",
      ratePerSecond: LIMIT,
      windowMs: 1_025,
      used: LIMIT,
      queued: 22,
      throttledRecently: false,
      shared: true,
    });
    // Of the places that come free at 1,025 ms and a few after, the first three are held already.
    expect(quota?.nextSlotInMs).toBeGreaterThan(1_025 - 420);
    expect(quota?.nextSlotInMs).toBeLessThan(1_050 - 400);
  });
});

/** Simulated time has to pass before the statement gets an answer. */
async function quotasOf(time: SimulatedTime, { quota }: SimulatedReplica): Promise<readonly ActionQuota[]> {
  const quotas = quota.usage();
  await time.runUntil(time.nowMs + 10);
  return quotas;
}
