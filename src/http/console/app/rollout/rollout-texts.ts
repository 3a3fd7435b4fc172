import type {
  MethodsToSwitch,
  MfaMethodsOfBoth,
  MfaRollout,
  MfaRolloutCounts,
  MfaRolloutItemState,
  MfaRolloutStatus,
} from "../../../../client/index.ts";
import { METHOD_TITLES, PROTECTION_TITLES, PROTECTIONS } from "../texts.ts";

export const ROLLOUT_STATUS_TITLES: Readonly<Record<MfaRolloutStatus, string>> = {
  PLANNING: "Planning",
  PLAN_FAILED: "Plan failed",
  PLANNED: "Planned",
  AWAITING_APPROVAL: "Awaits approval",
  RUNNING: "Running",
  PAUSED: "Paused",
  STOPPED: "Stopped",
  DONE: "Done",
  CANCELLED: "Cancelled",
  EXPIRED: "Expired",
};

/** Why no user of the rollout is changed any more, or none yet. */
export const ROLLOUT_STATUS_HELP: Readonly<Partial<Record<MfaRolloutStatus, string>>> = {
  PLANNING: "The gateway reads the users and writes the plan. It changes nobody.",
  PLANNED: "Read the plan, then start it. The gateway changes nobody before that.",
  AWAITING_APPROVAL: "Another person has to approve this plan.",
  STOPPED: "The rollout stopped. Users that were changed stay changed.",
  EXPIRED: "The time of this plan is over. Plan again: users may have changed since.",
};

/** The states of users in the order of the page, with their titles and the field of their count. */
export const ITEM_STATES = [
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

export const ITEM_STATE_TITLES = Object.fromEntries(
  ITEM_STATES.map(([state, title]) => [state, title]),
) as Readonly<Record<MfaRolloutItemState, string>>;

const OVER: ReadonlySet<MfaRolloutStatus> = new Set([
  ...(["PLAN_FAILED", "STOPPED", "DONE", "CANCELLED", "EXPIRED"] as const),
]);

/** Whether nothing more happens in a rollout. The users of a started one are read once more after its end. */
export function isOver({ status, startedAt, proof }: MfaRollout): boolean {
  return OVER.has(status) && (startedAt === null || proof?.sealed === true);
}

/** Returns the wanted switches, such as "Login: SMS to the phone on". */
export function wishOf(desired: MfaMethodsOfBoth | null): readonly string[] {
  if (desired === null) return [];
  return PROTECTIONS.flatMap((protection) =>
    Object.entries((desired[protection] ?? {}) as MethodsToSwitch).flatMap(([method, on]) =>
      on === null
        ? []
        : [
            `${PROTECTION_TITLES[protection]}: ${METHOD_TITLES[method as keyof MethodsToSwitch]} ${on ? "on" : "off"}`,
          ],
    ),
  );
}

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
