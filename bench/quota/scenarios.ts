import type { OfferedBy } from "./offer.ts";

export interface Scenario {
  readonly title: string;
  readonly callers: readonly OfferedBy[];
  readonly deadlineMs: number;
  /** The last replica is killed in the middle, and started again at once. */
  readonly kills: boolean;
  /** What is judged beside throttles and how much of the limit is used. */
  readonly judges: "fairness" | "waits";
}

const OFFERED_PER_SECOND = 60;

/** One asks for half of all, five for a tenth each. What is fair is less than any of them asks for. */
const CALLERS: readonly OfferedBy[] = [
  { name: "greedy", callsPerSecond: OFFERED_PER_SECOND / 2, priority: "interactive" },
  ...["a", "b", "c", "d", "e"].map((name) => ({
    name,
    callsPerSecond: OFFERED_PER_SECOND / 10,
    priority: "interactive" as const,
  })),
];

const OVERLOAD = { callers: CALLERS, deadlineMs: 5_000, kills: false, judges: "fairness" } as const;

export const SCENARIOS: readonly Scenario[] = [
  { ...OVERLOAD, title: `${OFFERED_PER_SECOND} a second offered` },
  { ...OVERLOAD, title: "the same, and a process killed and started again", kills: true },
  {
    ...OVERLOAD,
    title: "the same, and 200 more at once",
    callers: CALLERS.map((caller) => (caller.name === "a" ? { ...caller, burst: 200 } : caller)),
  },
  {
    title: `${OFFERED_PER_SECOND} a second of bulk work offered, and people call 4 times a second`,
    callers: [
      { name: "rollout", callsPerSecond: OFFERED_PER_SECOND, priority: "bulk" },
      { name: "person", callsPerSecond: 4, priority: "interactive" },
    ],
    deadlineMs: 15_000,
    kills: false,
    judges: "waits",
  },
];
