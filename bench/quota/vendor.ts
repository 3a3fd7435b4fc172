import { startCamEmulator } from "../../src/emulator/index.ts";
import { answerParent } from "../support/answer-parent.ts";

/** A program that stands in for CAM: the emulator, with a strict sliding window. */
export const LIMIT = 20;

/** The action that is called, and what the emulator saw of it since the question before. */
export interface CountsQuestion {
  readonly kind: "counts";
  readonly action: string;
}

export interface VendorCounts {
  readonly received: number;
  readonly throttled: number;
  /** Accepted calls in the order of arrival. A caller's name is what comes before the colon in a trace id. */
  readonly arrivals: readonly { readonly atMs: number; readonly caller: string }[];
}

const emulator = await startCamEmulator({ ratePerSecond: LIMIT, window: "sliding" });

answerParent<CountsQuestion>("counts", ({ action }) => {
  const { received = 0, throttled = 0 } = emulator.control.counters()[action] ?? {};
  const arrivals = emulator.control
    .journal({ action })
    .filter(({ outcome }) => outcome === "Success")
    .map(({ arrivedAtMs, traceId }) => ({ atMs: arrivedAtMs, caller: traceId?.split(":")[0] ?? "" }));
  emulator.control.reset();
  const counts: VendorCounts = { received, throttled, arrivals };
  return JSON.stringify(counts);
});
console.log(`listening on ${emulator.url}`);
