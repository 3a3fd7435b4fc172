import type {
  MethodsToSwitch,
  MfaMethodsOfBoth,
  MfaRollout,
  MfaRolloutItemState,
  MfaRolloutStatus,
} from "../../../../client/index.ts";
import { ITEM_WORDS } from "../../../../rollout-words.ts";
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

export const ITEM_STATE_TITLES = Object.fromEntries(
  ITEM_WORDS.map(([state, title]) => [state, title]),
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
