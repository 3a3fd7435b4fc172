import { describe, expect, test } from "vitest";
import { openReplicas } from "./open-replicas.ts";
import { peakPerSecond } from "./simulate-replicas.ts";

describe("while the database is unavailable", () => {
  test("reads continue at a tenth of the limit, after a window, and writes are refused immediately", async () => {
    const { time, database, first } = await openReplicas();
    database.away = true;
    for (let call = 0; call < 30; call++) {
      void first.call({ caller: "a", deadlineMs: 2_000, access: call % 3 === 0 ? "write" : "read" });
      await time.runUntil(time.nowMs + 200);
    }
    const writes = first.calls.filter((_, call) => call % 3 === 0);
    expect(writes.map(({ refusal }) => refusal?.code)).toEqual(Array(10).fill("STORE_UNAVAILABLE"));
    const [firstAfterMs, ...othersAfterMs] = writes.map(
      ({ madeMs, refusedMs = Number.NaN }) => refusedMs - madeMs,
    );
    // The statement is tried three times before the database counts as unavailable.
    expect(firstAfterMs).toBeLessThan(50);
    expect(Math.max(...othersAfterMs)).toBeLessThan(20);
    const reads = first.calls.filter(({ arrivedMs }) => arrivedMs !== undefined);
    expect(reads[0]?.grantedMs).toBeGreaterThan(1_025);
    expect(reads.length).toBeGreaterThanOrEqual(10);
    expect(peakPerSecond(reads)).toBe(2);
    expect(first.reports).toEqual(["away"]);
  });

  test("a database that does not answer a statement counts as unavailable after a second", async () => {
    let wayMs = 1;
    const { time, first } = await openReplicas({ circumstances: () => ({ databaseWayMs: () => wayMs }) });
    void first.call({ caller: "a", deadlineMs: 5_000 });
    await time.runUntil(100);
    wayMs = 60_000;
    void first.call({ caller: "a", deadlineMs: 5_000 });
    void first.call({ caller: "a", deadlineMs: 5_000, access: "write" });
    await time.runUntil(1_000);
    expect(first.reports).toEqual([]);
    await time.runUntil(1_200);
    expect(first.reports).toEqual(["away"]);
    expect(first.calls[2]?.refusal?.code).toBe("STORE_UNAVAILABLE");
    await time.runUntil(2_400);
    expect(first.calls[1]?.arrivedMs).toBeDefined();
  });

  test("one error, such as that of a broken idle connection, refuses no call", async () => {
    const { time, database, first } = await openReplicas();
    database.failures = 1;
    await Promise.all([first.call({ caller: "a", deadlineMs: 1_000, access: "write" }), time.runUntil(100)]);
    expect(first.calls[0]?.arrivedMs).toBeDefined();
    expect(first.reports).toEqual([]);
  });

  test("a fault of the gateway is thrown and not treated as an outage", async () => {
    const { time, database, first } = await openReplicas();
    database.mistake = true;
    const [outcome] = await Promise.all([
      first.call({ caller: "a", deadlineMs: 1_000 }).catch((error: unknown) => error),
      time.runUntil(100),
    ]);
    expect(outcome).toMatchObject({ code: "42883" });
    expect(first.reports).toEqual([]);
  });

  test("the quotas are those of this replica", async () => {
    const { time, database, first } = await openReplicas();
    database.away = true;
    for (let call = 0; call < 5; call++) void first.call({ caller: "a", deadlineMs: 5_000 });
    await time.runUntil(1_600);
    await expect(first.quota.usage()).resolves.toMatchObject([
      { action: "SetMfaFlag", ratePerSecond: 2, used: 2, queued: 3, shared: false },
    ]);
  });
});

describe("when the database fails and recovers", () => {
  test.each([1, 2, 3])(
    "no second exceeds the limit, and calls continue by themselves: with seed %s",
    async (seed) => {
      const { time, database, replicas, offer } = await openReplicas({ count: 3, seed });
      offer(14_000, 60, (replica) =>
        replica.call({
          caller: "a",
          deadlineMs: 2_000,
          access: time.random() < 0.5 ? "write" : "read",
        }),
      );
      await time.runUntil(4_000);
      database.away = true;
      await time.runUntil(6_000 + time.between(0, 1_000));
      database.away = false;
      await time.runUntil(20_000);
      const calls = replicas.flatMap((replica) => replica.calls);
      expect(peakPerSecond(calls)).toBeLessThanOrEqual(20);
      const arrivedIn = (fromMs: number, toMs: number) =>
        calls.filter(({ arrivedMs = -1 }) => arrivedMs >= fromMs && arrivedMs < toMs).length;
      // Six a second for three replicas, and then the whole limit.
      expect(arrivedIn(5_000, 6_000)).toBeLessThanOrEqual(6);
      expect(arrivedIn(5_000, 6_000)).toBeGreaterThanOrEqual(4);
      expect(arrivedIn(9_500, 13_500) / 4).toBeGreaterThan(19);
      for (const { reports } of replicas) expect(reports).toEqual(["away", "back"]);
    },
  );

  test("reads that waited during the outage continue with the others", async () => {
    const { time, database, first } = await openReplicas();
    database.away = true;
    for (let call = 0; call < 20; call++) void first.call({ caller: "a", deadlineMs: 15_000 });
    await time.runUntil(2_000);
    database.away = false;
    await time.runUntil(5_500);
    expect(first.calls.filter(({ arrivedMs }) => arrivedMs !== undefined)).toHaveLength(20);
    expect(peakPerSecond(first.calls)).toBeLessThanOrEqual(20);
  });
});
