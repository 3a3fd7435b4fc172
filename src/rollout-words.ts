import type { MfaRollout, MfaRolloutCounts, MfaRolloutItemState } from "./client/index.ts";

/** The states of users in their order, in words, with the fields of their counts. */
export const ITEM_WORDS = [
  ["WILL_CHANGE", "will change", "willChange"],
  ["CHANGING", "changing now", "changing"],
  ["APPLIED", "changed", "applied"],
  ["FAILED", "failed", "failed"],
  ["UNKNOWN", "unknown", "unknown"],
  ["CHANGED_SINCE", "changed since the plan", "changedSince"],
  ["BLOCKED", "blocked", "blocked"],
  ["AT_RISK", "at risk of a lock-out", "atRisk"],
  ["EXCUSED", "excused by policy", "excused"],
  ["ALREADY_SO", "already so", "alreadySo"],
] as const satisfies readonly (readonly [MfaRolloutItemState, string, keyof MfaRolloutCounts])[];

/** Returns how a rollout runs, such as "Waves: 10 users (then 24 hours), then the rest". */
export function optionsOf({ waves, window, includeAtRisk }: MfaRollout): readonly string[] {
  const sizes = waves.map(({ users, holdHours, waitForRelease }) => {
    const waits = [holdHours > 0 && `${holdHours} hours`, waitForRelease && "a person"].filter(Boolean);
    return waits.length === 0 ? usersOf(users) : `${usersOf(users)} (then ${waits.join(" and ")})`;
  });
  return [
    ...(sizes.length === 0 ? [] : [`Waves: ${sizes.join(", ")}, then the rest`]),
    ...(window === null
      ? []
      : [
          `Only ${window.days?.join(", ") ?? "every day"} from ${window.from} to ${window.to}, ${window.timeZone}`,
        ]),
    ...(includeAtRisk ? ["Users at risk of a lock-out are changed too"] : []),
  ];
}

/** Returns a number of users in words. */
export function usersOf(count: number): string {
  return count === 1 ? "1 user" : `${count.toLocaleString()} users`;
}

/** The units of a duration with their seconds. */
const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
] as const;

/** Returns a duration, such as "4 min", for people. */
export function durationOf(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= 2 * length) ?? ["s", 1];
  return `${Math.ceil(seconds / size)} ${unit}`;
}
