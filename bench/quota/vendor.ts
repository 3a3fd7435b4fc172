import { startCamEmulator } from "../../src/emulator/index.ts";
import { seedUsers } from "../changes/change-load.ts";
import { answerParent } from "../support/answer-parent.ts";

/** A program that replaces CAM: the emulator, with a strict sliding window. */
export const LIMIT = 20;

/** Requests the emulator's counts of an action since the previous request. */
export interface CountsQuestion {
  readonly kind: "counts";
  readonly action: string;
  /** If true, the counts continue. Otherwise they restart from zero. */
  readonly goOn?: boolean;
}

export interface VendorCounts {
  readonly received: number;
  readonly throttled: number;
  /** Accepted calls in the order of arrival. A caller's name is the part of the trace id before the colon. */
  readonly arrivals: readonly { readonly atMs: number; readonly caller: string }[];
}

const users = Number(process.env["USERS"] ?? 0);
const seed = users > 0 ? { seed: seedUsers(users) } : {};
const emulator = await startCamEmulator({ ratePerSecond: LIMIT, window: "sliding", ...seed });

answerParent<CountsQuestion>("counts", ({ action, goOn = false }) => {
  const { received = 0, throttled = 0 } = emulator.control.counters()[action] ?? {};
  const arrivals = emulator.control
    .journal({ action })
    .filter(({ outcome }) => outcome === "Success")
    .map(({ arrivedAtMs, traceId }) => ({ atMs: arrivedAtMs, caller: traceId?.split(":")[0] ?? "" }));
  if (!goOn) emulator.control.reset();
  const counts: VendorCounts = { received, throttled, arrivals };
  return JSON.stringify(counts);
});
console.log(`listening on ${emulator.url}`);
