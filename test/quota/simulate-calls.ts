import fc from "fast-check";
import type { Slot } from "../../src/cam/index.ts";
import { LocalSlotQueue } from "../../src/quota/local-quota.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { slotRequest } from "./slot-request.ts";

/** One simulated call. Times are milliseconds. */
export interface SimulatedCall {
  /** The time after the previous take. */
  readonly gapMs: number;
  /** From getting its slot to writing its bytes: signing, and a connection that may be cold. */
  readonly sendDelayMs: number;
  /** Between reaching the vendor and being counted there. */
  readonly processingMs: number;
  /** From being counted to the reply leaving. */
  readonly workMs: number;
  readonly fate: "ANSWERED" | "THROTTLED" | "LOST" | "UNUSED" | "FORGOTTEN_UNSENT" | "FORGOTTEN_SENT";
}

export interface Schedule {
  readonly limit: number;
  /** The constant delay to the vendor and back. */
  readonly thereMs: number;
  readonly backMs: number;
  readonly calls: readonly SimulatedCall[];
}

export interface Simulation {
  /** When the vendor counted each call that reached it, in order. */
  readonly arrivalsMs: readonly number[];
  /** The calls' indices in the order in which they got their slots. */
  readonly granted: readonly number[];
  readonly clock: FakeClock;
}

/** The distance of two deadlines. It is long enough to give up a forgotten slot in between. */
const DEADLINE_STEP_MS = 60_000;

/** Plays a schedule against a real LocalSlotQueue on a fake clock. */
export async function simulateCalls(schedule: Schedule): Promise<Simulation> {
  const clock = new FakeClock();
  const queue = new LocalSlotQueue({ clock, ratePerSecond: schedule.limit });
  const arrivalsMs: number[] = [];
  const granted: number[] = [];

  const play = (call: SimulatedCall, slot: Slot): void => {
    const { fate } = call;
    if (fate === "FORGOTTEN_UNSENT") return;
    clock.after(call.sendDelayMs, () => {
      if (fate === "UNUSED") return slot.settle("UNUSED");
      slot.tryBegin();
      const countedMs = schedule.thereMs + call.processingMs;
      clock.after(countedMs, () => arrivalsMs.push(clock.monotonic()));
      if (fate === "FORGOTTEN_SENT") return;
      // A connection may break before the call has arrived.
      const overMs = fate === "LOST" ? call.workMs : countedMs + call.workMs + schedule.backMs;
      clock.after(overMs, () => slot.settle(fate));
    });
  };

  let startMs = 0;
  schedule.calls.forEach((call, index) => {
    startMs += call.gapMs;
    clock.after(startMs, () => {
      const deadlineMs = clock.monotonic() + DEADLINE_STEP_MS * (index + 1);
      queue.take(slotRequest({ deadlineMs })).then(
        (slot) => {
          granted.push(index);
          play(call, slot);
        },
        () => undefined,
      );
    });
  });
  await clock.advance(startMs + DEADLINE_STEP_MS * (schedule.calls.length + 1));
  return { arrivalsMs: arrivalsMs.toSorted((a, b) => a - b), granted, clock };
}

/** The most arrivals in any second, wherever it begins; two that are exactly a second apart do not share one. */
export function peakPerSecond(arrivalsMs: readonly number[]): number {
  return Math.max(
    0,
    ...arrivalsMs.map((first, index) => arrivalsMs.slice(index).filter((at) => at < first + 1_000).length),
  );
}

const ms = (max: number) => fc.double({ min: 0, max, noNaN: true });

const simulatedCall: fc.Arbitrary<SimulatedCall> = fc.record({
  gapMs: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, ms(50), ms(3_000)),
  sendDelayMs: fc.oneof(fc.constant(0), ms(30), ms(3_000)),
  // The guard of the window covers this difference.
  processingMs: ms(24),
  workMs: fc.oneof(ms(30), ms(1_800)),
  fate: fc.oneof(
    { arbitrary: fc.constant("ANSWERED" as const), weight: 8 },
    fc.constantFrom("THROTTLED", "LOST", "UNUSED", "FORGOTTEN_UNSENT", "FORGOTTEN_SENT"),
  ),
});

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  limit: fc.integer({ min: 1, max: 6 }),
  thereMs: ms(300),
  backMs: ms(300),
  calls: fc.array(simulatedCall, { minLength: 1, maxLength: 60 }),
});
