import type { OfferedBy } from "./offer.ts";

/** The incident in the middle of a scenario. */
export type Incident =
  /** The last replica is killed, and another one is started immediately. */
  | "KILL"
  /** The replicas lose the database for four seconds. */
  | "OUTAGE"
  /** The database's clock moves half a second ahead, and back two seconds later. */
  | "CLOCK_JUMP"
  /** Another program makes calls with the same key. */
  | "STRANGER"
  /** The event loop of each replica is blocked for 150 to 400 ms, about once a second. */
  | "STALLS";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly callers: readonly OfferedBy[];
  readonly deadlineMs: number;
  readonly incident?: Incident;
  /** CAM is 30 ms away each way, with jitter and stragglers. */
  readonly isFar?: boolean;
  /** The figure with a target, in addition to throttles and use. */
  readonly judges: "fairness" | "waits";
  /** Whether the scenario expects throttles and loss of throughput. */
  readonly isHarsh?: boolean;
}

const OFFERED_PER_SECOND = 60;

/** One caller makes half of all calls, five make a tenth each. A fair share is less than the demand of each caller. */
const CALLERS: readonly OfferedBy[] = [
  { name: "greedy", callsPerSecond: OFFERED_PER_SECOND / 2, priority: "interactive" },
  ...["a", "b", "c", "d", "e"].map((name) => ({
    name,
    callsPerSecond: OFFERED_PER_SECOND / 10,
    priority: "interactive" as const,
  })),
];

const OVERLOAD = { callers: CALLERS, deadlineMs: 5_000, judges: "fairness" } as const;

export const SCENARIOS: readonly Scenario[] = [
  { ...OVERLOAD, name: "overload", title: `${OFFERED_PER_SECOND} calls a second offered` },
  { ...OVERLOAD, name: "kill", title: "overload, and a replica is killed and replaced", incident: "KILL" },
  {
    ...OVERLOAD,
    name: "burst",
    title: "overload, and 200 more calls at the same time",
    callers: CALLERS.map((caller) => (caller.name === "a" ? { ...caller, burst: 200 } : caller)),
  },
  {
    name: "bulk",
    title: `${OFFERED_PER_SECOND} bulk calls a second offered, and people call 4 times a second`,
    callers: [
      { name: "rollout", callsPerSecond: OFFERED_PER_SECOND, priority: "bulk" },
      { name: "person", callsPerSecond: 4, priority: "interactive" },
    ],
    deadlineMs: 15_000,
    judges: "waits",
  },
  {
    name: "calm",
    title: "people call 10 times a second",
    callers: [{ name: "person", callsPerSecond: 10, priority: "interactive" }],
    deadlineMs: 5_000,
    judges: "waits",
    isHarsh: true,
  },
  { ...OVERLOAD, name: "far", title: "overload, and CAM is 30 ms away with jitter", isFar: true },
  {
    ...OVERLOAD,
    name: "stalls",
    title: "overload, and the replicas stall for 150 to 400 ms",
    incident: "STALLS",
    isHarsh: true,
  },
  {
    ...OVERLOAD,
    name: "outage",
    title: "overload, and four seconds without the database",
    incident: "OUTAGE",
    isHarsh: true,
  },
  {
    ...OVERLOAD,
    name: "clock",
    title: "overload, and the database's clock jumps by half a second",
    incident: "CLOCK_JUMP",
    isHarsh: true,
  },
  {
    ...OVERLOAD,
    name: "stranger",
    title: "overload, and another program takes 4 calls a second with the same key",
    incident: "STRANGER",
    isHarsh: true,
  },
];
