import { describe, expect, test } from "vitest";
import { type Circumstances, peakPerSecond, quantile, SimulatedReplica } from "./simulate-replicas.ts";
import { openSimulatedDatabase } from "./simulated-database.ts";
import { SimulatedTime } from "./simulated-time.ts";

const LIMIT = 20;
const OFFERED_PER_SECOND = 60;
const CALLERS = ["greedy", "greedy", "greedy", "greedy", "a", "b", "c", "d"];

/** A usual day: everything takes milliseconds, and now and then something takes much longer. */
function usual(time: SimulatedTime): Circumstances {
  const sometimes = (usualMs: number, rareMs: number) =>
    time.random() < 0.03 ? time.between(usualMs, rareMs) : time.between(usualMs / 4, usualMs);
  return {
    databaseWayMs: () => sometimes(2, 40),
    writingMs: () => sometimes(3, 150),
    deliveryMs: () => sometimes(6, 80),
  };
}

async function openReplicas(count: number, seed = 1) {
  const time = new SimulatedTime(seed);
  const database = await openSimulatedDatabase(time);
  const start = (name: string) => new SimulatedReplica(name, time, database, usual(time));
  const replicas = Array.from({ length: count }, (_, index) => start(`r${index}`));
  /** Every replica that lives then gets its part of the calls. */
  const offer = (
    fromMs: number,
    toMs: number,
    call: (replica: SimulatedReplica) => void,
    perSecond: number,
  ) => {
    for (let atMs = fromMs; atMs < toMs; atMs += time.between(0, 2_000 / perSecond)) {
      time.after(atMs - time.nowMs, () => {
        const replica = replicas[Math.floor(time.random() * replicas.length)];
        if (replica !== undefined) call(replica);
      });
    }
  };
  const allCalls = () => replicas.concat(gone).flatMap(({ calls }) => calls);
  const gone: SimulatedReplica[] = [];
  const kill = () => {
    const killed = replicas.pop();
    killed?.kill();
    if (killed !== undefined) gone.push(killed);
  };
  return { time, database, replicas, start, offer, allCalls, kill };
}

function oneOf(time: SimulatedTime, names: readonly string[]): string {
  return names[Math.floor(time.random() * names.length)] ?? "";
}

describe.each([1, 2])("three replicas that are offered three times the limit, by chance %s", (seed) => {
  test.each(["undisturbed", "one is killed and started again", "200 calls more come at once"])(
    "keep every second within the limit, use it and share it fairly: %s",
    async (event) => {
      const { time, replicas, start, offer, allCalls, kill } = await openReplicas(3, seed);
      offer(
        0,
        20_000,
        (replica) => void replica.call({ caller: oneOf(time, CALLERS), deadlineMs: 4_000 }),
        OFFERED_PER_SECOND,
      );
      time.after(10_000, () => {
        if (event.startsWith("one is killed")) kill();
        if (event.startsWith("200 calls")) {
          for (let call = 0; call < 200; call++)
            void replicas[call % 3]?.call({ caller: "a", deadlineMs: 4_000 });
        }
      });
      time.after(11_000, () => {
        if (event.startsWith("one is killed")) replicas.push(start("r2"));
      });
      await time.runUntil(30_000);
      const calls = allCalls();
      if (process.env["SHOW"]) {
        const refused = calls.filter(({ refusedMs }) => refusedMs !== undefined);
        const after = refused.map(({ madeMs, refusedMs = 0 }) => refusedMs - madeMs);
        const codes = Map.groupBy(refused, ({ refusal }) => refusal?.code);
        console.log(
          event,
          "refused",
          refused.length,
          "late",
          after.filter((ms) => ms > 20).length,
          "p99",
          quantile(after, 0.99),
          [...codes].map(([c, l]) => `${c} ${l.length}`),
          "retryAfter p50",
          quantile(
            refused.map((r) => r.refusal?.retryAfterMs ?? 0),
            0.5,
          ),
          "max wait of served",
          Math.max(...calls.map(({ grantedMs = 0, madeMs }) => grantedMs - madeMs)),
        );
        console.log(
          [
            ...Map.groupBy(
              refused.filter(({ madeMs, refusedMs = 0 }) => refusedMs - madeMs > 20),
              (c) => c.caller,
            ),
          ]
            .map(([c, l]) => `${c} ${l.length}`)
            .join(" "),
          JSON.stringify(
            after
              .filter((ms) => ms > 20)
              .slice(0, 20)
              .map(Math.round),
          ),
        );
      }
      expect(peakPerSecond(calls)).toBeLessThanOrEqual(LIMIT);
      const steady = calls.filter(({ arrivedMs = 0 }) => arrivedMs >= 2_000 && arrivedMs < 20_000);
      expect(steady.length / 18).toBeGreaterThan(0.95 * LIMIT);
      const byCaller = Map.groupBy(steady, ({ caller }) => caller);
      for (const [, { length }] of byCaller) {
        expect(length / (steady.length / 5)).toBeGreaterThan(0.8);
        expect(length / (steady.length / 5)).toBeLessThan(1.2);
      }
    },
  );
});
