import { registerEnum } from "../enums.ts";

export const MfaRolloutStatus = registerEnum("MfaRolloutStatus", "The status of a rollout.", {
  PLANNING: "The gateway reads the users and plans.",
  PLAN_FAILED: "The plan could not be made. `code` and `hint` say why.",
  PLANNED: "The plan is made and can be started until `expiresAt`.",
  AWAITING_APPROVAL: "Another person has to approve the plan.",
  RUNNING: "The run is in progress.",
  PAUSED: "A person paused it. No item begins.",
  STOPPED: "More items failed than the error budget permits. No further item begins.",
  DONE: "All items have ended.",
  CANCELLED: "A person cancelled it. Items that had begun have ended or will end.",
  EXPIRED: "The plan was not started within 24 hours, or not approved in time.",
});

export const MfaRolloutItemState = registerEnum(
  "MfaRolloutItemState",
  "The state of one user in a rollout.",
  {
    WILL_CHANGE: "The rollout changes the user.",
    ALREADY_SO: "The user has the wanted protections.",
    BLOCKED: "The change would be or was refused with `code`. It spends no error budget.",
    AT_RISK:
      "The gateway does not know whether the user can still sign in. It changes the user only with `includeAtRisk`.",
    EXCUSED: "An exception of the policy leaves the user out. `why` has its reason and its last day.",
    CHANGING: "The change is under way.",
    UNKNOWN: "The gateway does not know yet whether the change is in force.",
    APPLIED: "The change is in force.",
    FAILED: "The change was refused with `code`.",
    CHANGED_SINCE:
      "Another program or person changed the user after the plan, so the rollout does not change the " +
      "user.",
  },
);

export const MfaRolloutLaneState = registerEnum("MfaRolloutLaneState", "The state of one account in a run.", {
  WAITING: "No item of it has begun, or a wave, the time window or the error budget holds it.",
  RUNNING: "Its items are in progress.",
  HELD: "It waits because of `code`, for example because CAM throttles. That spends no error budget.",
  DONE: "All items of it have ended.",
});

export const MfaRolloutDecision = registerEnum("MfaRolloutDecision", "A decision about a plan.", {
  APPROVED: "Another person approved it.",
  REJECTED: "Another person rejected it.",
  WITHDRAWN: "The person who planned it withdrew it.",
});

/** Returns a name of the gateway as a value of the schema's enum. The gateway has them in lower case. */
export function enumOf<Name extends string>(name: Name): Uppercase<Name> {
  return name.toUpperCase() as Uppercase<Name>;
}

/** Returns a value of the schema's enum as the gateway's name. */
export function nameOf<Value extends string>(value: Value): Lowercase<Value> {
  return value.toLowerCase() as Lowercase<Value>;
}
