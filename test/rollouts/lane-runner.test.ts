import { expect, test } from "vitest";
import type { CamErrorCode } from "../../src/contract/index.ts";
import { LaneRunner, type LaneWork } from "../../src/rollouts/lane-runner.ts";
import { FakeClock } from "../support/fake-clock.ts";

const LANE = { rolloutId: "r", account: "default" };
const MINUTE_MS = 60_000;

/** A lane of some items. A test decides how each attempt ends. */
function openLane(items: number) {
  const clock = new FakeClock();
  const waiting = Array.from({ length: items }, (_, index) => ({ index, fromMs: 0 }));
  const attempts: number[] = [];
  const pauses: (string | undefined)[] = [];
  const errors: unknown[] = [];
  const counts: (readonly [at: number, underWay: number])[] = [];
  let [claims, done] = [0, 0];
  const world = {
    ...{ clock, attempts, pauses, errors },
    /** The fault that every attempt meets now. */
    fault: undefined as CamErrorCode | undefined,
    /** Whether the database answers. */
    isAvailable: true,
    /** How long each attempt takes. */
    itemMs: 0,
    underWay: 0,
    /** The most items under way in the last minute. */
    get mostUnderWay() {
      return Math.max(
        ...counts.filter(([at]) => at > clock.monotonic() - MINUTE_MS).map(([, count]) => count),
      );
    },
    get claims() {
      return claims;
    },
    get done() {
      return done;
    },
  };
  const answer = async <Result>(result: () => Result): Promise<Result> => {
    if (!world.isAvailable) throw new Error("unavailable");
    return result();
  };
  const work: LaneWork<(typeof waiting)[number]> = {
    claim: (limit) =>
      answer(() => {
        claims += 1;
        const free = waiting.filter(({ fromMs }) => fromMs <= clock.monotonic()).slice(0, limit);
        for (const item of free) waiting.splice(waiting.indexOf(item), 1);
        return { verdict: done === items ? ("OVER" as const) : ("ON" as const), items: free };
      }),
    run: async () => {
      attempts.push(clock.monotonic());
      counts.push([clock.monotonic(), ++world.underWay]);
      if (world.itemMs > 0) await clock.sleep(world.itemMs);
      world.underWay -= 1;
      if (world.fault === undefined) done += 1;
      return world.fault;
    },
    release: (item, afterMs) =>
      answer(() => void waiting.push({ ...item, fromMs: clock.monotonic() + afterMs })),
    pause: (code) => answer(() => void pauses.push(code)),
    end: () => answer(() => void pauses.push("end")),
  };
  const observer = {
    onLanePaused: () => undefined,
    onLaneError: (_: unknown, error: unknown) => errors.push(error),
  };
  const lane = new LaneRunner({ lane: LANE, work, clock, observer });
  return { world, lane };
}

test.each(["CAM_UNREACHABLE", "CAM_RATE_LIMITED", "STORE_UNAVAILABLE"] as const)(
  "ten minutes of %s cost a lane few attempts, and it goes on by itself within 20 seconds",
  async (code) => {
    const { world, lane } = openLane(100);
    const { clock, attempts, pauses } = world;
    world.fault = code;
    const running = lane.run();
    await clock.advance(10 * MINUTE_MS);
    const [first = 0, ...later] = [...new Set(attempts)];
    const waits = later.map((at, index) => at - (index === 0 ? first : (later[index - 1] ?? 0)));
    // About 1, 2, 4, 8 and 16 seconds, then 20 each time.
    expect(waits.slice(0, 5).map((ms) => Math.round(ms / 1_000))).toEqual([1, 2, 4, 8, 16]);
    expect(waits.slice(5).every((ms) => ms >= 20_000 && ms < 21_000)).toBe(true);
    expect(waits.length).toBeLessThan(35);
    expect(new Set(pauses)).toEqual(new Set([code]));
    expect(world.done).toBe(0);
    // The lane keeps its lease in the pauses.
    expect(world.claims).toBeGreaterThan((10 * MINUTE_MS) / 1_000);

    world.fault = undefined;
    await clock.advance(21_000);
    await running;
    expect(world.done).toBe(100);
    expect(pauses.slice(-2)).toEqual([undefined, "end"]);
  },
);

test("a lane has fewer items under way after faults, and more again as items end well", async () => {
  const { world, lane } = openLane(10_000);
  const { clock } = world;
  world.itemMs = 1_000;
  const running = lane.run();
  await clock.advance(500);
  expect(world.underWay).toBe(20);
  world.fault = "CAM_RATE_LIMITED";
  await clock.advance(2 * MINUTE_MS);
  expect(world.mostUnderWay).toBe(5);
  world.fault = undefined;
  await clock.advance(2 * MINUTE_MS);
  expect(world.mostUnderWay).toBe(40);
  lane.stop();
  await clock.advance(2_000);
  await running;
});

test("a database that is away for ten minutes loses no item", async () => {
  const { world, lane } = openLane(100);
  const { clock } = world;
  world.isAvailable = false;
  const running = lane.run();
  await clock.advance(10 * MINUTE_MS);
  expect(world.errors.length).toBeGreaterThan(1_000);
  world.isAvailable = true;
  await clock.advance(2_000);
  await running;
  expect(world.done).toBe(100);
});
