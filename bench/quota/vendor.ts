import { startCamEmulator } from "../../src/emulator/index.ts";
import { answerParent } from "../support/answer-parent.ts";

/** What stands in for CAM: the emulator with a strict sliding window of 20 calls a second, as a program. */

export interface VendorCounts {
  readonly received: number;
  readonly accepted: number;
  readonly throttled: number;
  readonly peakPerSecond: number;
  /** Accepted calls in the order of arrival. The caller's name is what comes before the colon in a trace id. */
  readonly arrivals: readonly { readonly atMs: number; readonly caller: string }[];
}

export const LIMIT = 20;
export const ACTION = "DescribeSafeAuthFlagColl";

/** Since the question before. */
export interface CountsQuestion {
  readonly kind: "counts";
}

const emulator = await startCamEmulator({ ratePerSecond: LIMIT, window: "sliding" });

answerParent<CountsQuestion>("counts", () => {
  const arrivals = emulator.control
    .journal({ action: ACTION })
    .filter(({ outcome }) => outcome === "Success")
    .map(({ arrivedAtMs, traceId }) => ({ atMs: arrivedAtMs, caller: traceId?.split(":")[0] ?? "" }));
  const {
    received = 0,
    accepted = 0,
    throttled = 0,
    peakPerSecond = 0,
  } = emulator.control.counters()[ACTION] ?? {};
  emulator.control.reset();
  const counts: VendorCounts = { received, accepted, throttled, peakPerSecond, arrivals };
  return JSON.stringify(counts);
});
console.log(`listening on ${emulator.url}`);
