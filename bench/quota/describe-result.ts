import { GUARD_MS } from "../../src/quota/slot-store.ts";
import { quantile } from "../support/rounds.ts";
import { type Target, verdict } from "../support/rows.ts";
import type { OfferOutcome } from "./offer.ts";
import type { Scenario } from "./scenarios.ts";
import type { VendorCounts } from "./vendor.ts";

export interface Result {
  readonly counts: VendorCounts;
  readonly outcomes: readonly OfferOutcome[];
}

interface Terms {
  readonly ratePerSecond: number;
  readonly forMs: number;
  readonly smoke: boolean;
}

/** The start is not measured: the first calls find an empty window, so they do not show the use of a full one. */
const START_MS = 1_100;

/**
 * Calls come in a bunch at the start of each window of the quota. So the measured time is a whole number of windows, and
 * its start does not matter.
 */
const WINDOW_MS = 1_000 + GUARD_MS;

/** After a throttle the quota gives no slot for up to 2,025 ms, and a call keeps 300 ms for the exchange. */
const RETRY_MS = 2_500;

/** Returns the rows of one scenario. The use of the limit and the callers are those that the vendor counted. */
export function describeResult(
  scenario: Scenario,
  { counts, outcomes }: Result,
  { ratePerSecond, forMs, smoke }: Terms,
): string[] {
  const row = (name: string, figure: number, digits: number, unit: string, target?: Target): string => {
    const judged = target === undefined ? "" : `  ${verdict(figure, target, smoke)}`;
    return `${name.padEnd(44)} ${figure.toFixed(digits).padStart(7)} ${unit}${judged}`;
  };
  const all = (figuresOf: (outcome: OfferOutcome) => readonly number[]) => outcomes.flatMap(figuresOf);
  const sum = (figureOf: (outcome: OfferOutcome) => number) =>
    outcomes.reduce((total, outcome) => total + figureOf(outcome), 0);

  const fromMs = (counts.arrivals[0]?.atMs ?? 0) + START_MS;
  const overMs = Math.max(1, Math.floor((forMs - START_MS) / WINDOW_MS)) * WINDOW_MS;
  const { isHarsh = false } = scenario;
  // Calls that are still queued at the end run later.
  const steady = counts.arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + overMs);
  const used = (100 * steady.length * 1_000) / overMs / ratePerSecond;
  const refusals = all(({ refusedAfterMs }) => refusedAfterMs);
  const lateRefusals = refusals.filter((afterMs) => afterMs > 20).length;
  const heardMs = all(({ heardThrottlesMs }) => heardThrottlesMs);
  const errors = outcomes.flatMap((outcome) => outcome.errors);

  const rows = [
    row(
      "throttled by CAM",
      counts.throttled,
      0,
      `of ${counts.received}`,
      isHarsh ? undefined : { atMost: 0 },
    ),
    row(
      "callers that got a throttle as an error",
      heardMs.length,
      0,
      "",
      isHarsh ? undefined : { atMost: 0 },
    ),
    row("of these, with time for a retry", heardMs.filter((leftMs) => leftMs >= RETRY_MS).length, 0, "", {
      atMost: 0,
    }),
    row("used of the limit", used, 1, "%", isHarsh ? undefined : { atLeast: scenario.isFar ? 90 : 95 }),
  ];
  if (scenario.judges === "fairness") {
    const fair = steady.length / scenario.callers.length;
    const shares = scenario.callers.map(
      ({ name }) => (100 * steady.filter(({ caller }) => caller === name).length) / fair,
    );
    const furthest = Math.max(...shares.map((share) => Math.abs(share - 100)));
    rows.push(
      row("largest distance from a fair share", furthest, 0, "%", isHarsh ? undefined : { atMost: 20 }),
    );
  } else {
    const waits = all(({ interactiveWaitsMs }) => interactiveWaitsMs);
    rows.push(
      row("people wait for a slot, median", quantile(waits, 0.5), 0, "ms"),
      row("people wait for a slot, 95 of 100", quantile(waits, 0.95), 0, "ms", { atMost: 250 }),
    );
  }
  rows.push(
    row(
      "refused immediately",
      refusals.length - lateRefusals,
      0,
      `(median ${quantile(refusals, 0.5).toFixed(1)} ms)`,
    ),
    row("refused later than 20 ms", lateRefusals, 0, ""),
    row(
      "database statements a call",
      sum(({ statements }) => statements) / sum(({ succeeded }) => succeeded),
      2,
      "",
    ),
    row(
      "slots missed",
      sum(({ missedSlots }) => missedSlots),
      0,
      "",
    ),
  );
  if (errors.length > 0) rows.push(`${errors.length} other errors, such as: ${errors[0]}`);
  return rows;
}
