import { describe, expect, test } from "vitest";
import { distantCam, openReplicas, usualDay } from "./open-replicas.ts";
import { peakPerSecond, quantile, type SimulatedCall } from "./simulate-replicas.ts";
import type { SimulatedTime } from "./simulated-time.ts";

const LIMIT = 20;
const OFFERED_PER_SECOND = 60;
/** One caller makes half of all calls. A fair share is less than the demand of each caller. */
const CALLERS = ["greedy", "greedy", "greedy", "greedy", "a", "b", "c", "d"];

function oneOf(time: SimulatedTime, names: readonly string[]): string {
  return names[Math.floor(time.random() * names.length)] ?? "";
}

/** Calls that arrived in the given time. */
function arrived(calls: readonly SimulatedCall[], fromMs: number, toMs: number): SimulatedCall[] {
  return calls.filter(({ arrivedMs = -1 }) => arrivedMs >= fromMs && arrivedMs < toMs);
}

describe.each([1, 2])("three replicas with a demand of three times the limit, with seed %s", (seed) => {
  test.each(["undisturbed", "one is killed and started again", "200 calls come in addition"])(
    "keep every second within the limit, use it and share it fairly: %s",
    async (event) => {
      const { time, replicas, start, offer } = await openReplicas({
        count: 3,
        seed,
        circumstances: usualDay,
      });
      const everyReplica = [...replicas];
      const deadlineMs = 4_000;
      offer(20_000, OFFERED_PER_SECOND, (replica) =>
        replica.call({ caller: oneOf(time, CALLERS), deadlineMs }),
      );
      await time.runUntil(10_000);
      if (event.startsWith("one is killed")) replicas.pop()?.kill();
      if (event.startsWith("200 calls")) {
        for (let call = 0; call < 200; call++) void replicas[call % 3]?.call({ caller: "a", deadlineMs });
      }
      await time.runUntil(11_000);
      if (event.startsWith("one is killed")) {
        replicas.push(start("r2"));
        everyReplica.push(...replicas.slice(-1));
      }
      await time.runUntil(30_000);

      const calls = everyReplica.flatMap((replica) => replica.calls);
      expect(peakPerSecond(calls)).toBeLessThanOrEqual(LIMIT);
      const steady = arrived(calls, 2_000, 20_000);
      expect(steady.length / 18).toBeGreaterThan(0.95 * LIMIT);
      const fair = steady.length / 5;
      for (const [, { length }] of Map.groupBy(steady, ({ caller }) => caller)) {
        expect(length / fair).toBeGreaterThan(0.8);
        expect(length / fair).toBeLessThan(1.2);
      }
      const refused = calls.filter(({ refusal }) => refusal !== undefined);
      const late = refused.filter(({ madeMs, refusedMs = madeMs }) => refusedMs - madeMs > 20);
      expect(refused.length).toBeGreaterThan(500);
      // Later callers with fewer waiting calls, or a replica that starts again, may overtake an accepted call.
      expect(late.length / refused.length).toBeLessThan(event.startsWith("one is killed") ? 0.05 : 0.01);
    },
  );

  test("let people wait only a moment while bulk work takes the rest", async () => {
    const { time, replicas, offer } = await openReplicas({ count: 3, seed, circumstances: usualDay });
    offer(20_000, OFFERED_PER_SECOND, (replica) =>
      replica.call({ caller: "rollout", priority: "bulk", deadlineMs: 8_000 }),
    );
    offer(20_000, 4, (replica) => replica.call({ caller: "person", deadlineMs: 4_000 }));
    await time.runUntil(30_000);
    const calls = replicas.flatMap((replica) => replica.calls);
    expect(peakPerSecond(calls)).toBeLessThanOrEqual(LIMIT);
    expect(arrived(calls, 2_000, 20_000).length / 18).toBeGreaterThan(0.95 * LIMIT);
    const people = calls.filter(({ caller }) => caller === "person");
    expect(people.every(({ arrivedMs }) => arrivedMs !== undefined)).toBe(true);
    const waits = people.map(({ madeMs, grantedMs = Number.NaN }) => grantedMs - madeMs);
    expect(quantile(waits, 0.95)).toBeLessThan(250);
  });

  test("make more than 18 calls a second to a distant CAM, and no second exceeds the limit", async () => {
    const { time, replicas, offer } = await openReplicas({ count: 3, seed, circumstances: distantCam });
    offer(20_000, OFFERED_PER_SECOND, (replica) =>
      replica.call({ caller: oneOf(time, CALLERS), deadlineMs: 4_000 }),
    );
    await time.runUntil(30_000);
    const calls = replicas.flatMap((replica) => replica.calls);
    expect(peakPerSecond(calls)).toBeLessThanOrEqual(LIMIT);
    expect(arrived(calls, 2_000, 20_000).length / 18).toBeGreaterThan(0.9 * LIMIT);
  });
});
