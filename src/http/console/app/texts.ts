import type {
  LoginActionFlag,
  MethodsToSwitch,
  MfaChangeStatus,
  MfaMethod,
  MfaMethodsOfBoth,
  MfaRollout,
  MfaRolloutItemState,
  MfaRolloutStatus,
  ProtectionState,
  ProtectionStrength,
} from "../../../client/index.ts";
import { ITEM_WORDS } from "../../../rollout-words.ts";

type Method = keyof LoginActionFlag;

/** The methods of a protection in the order of the page. CAM can set the first three by an API call. */
export const METHOD_TITLES: Readonly<Record<Method, string>> = {
  phone: "SMS to the phone",
  stoken: "Virtual MFA device",
  wechat: "WeChat",
  token: "Hardware token",
  u2fToken: "U2F security key",
  passkey: "Passkey",
  mail: "Mail",
  custom: "The account's own MFA",
};

export const METHODS = Object.keys(METHOD_TITLES) as readonly Method[];

/** The methods that the gateway can switch. */
export const SWITCHABLE = ["phone", "stoken", "wechat"] as const satisfies readonly (keyof MethodsToSwitch)[];

/** The methods as the directory's enum names them. */
export const METHOD_ENUM: Readonly<Record<Method, MfaMethod>> = {
  phone: "PHONE",
  stoken: "STOKEN",
  wechat: "WECHAT",
  token: "TOKEN",
  u2fToken: "U2F_TOKEN",
  passkey: "PASSKEY",
  mail: "MAIL",
  custom: "CUSTOM",
};

export const STATE_TITLES: Readonly<Record<ProtectionState, string>> = {
  PROTECTED: "protected",
  UNPROTECTED: "unprotected",
  UNKNOWN: "unknown",
};

/** The strengths of login protection, from none to the strongest. */
export const STRENGTH_TITLES: Readonly<Record<ProtectionStrength, string>> = {
  UNKNOWN: "unknown",
  NONE: "none",
  SMS: "SMS",
  WECHAT_OR_MAIL: "WeChat or mail",
  TOTP: "TOTP",
  HARDWARE: "hardware",
};

/** The two protections, as the schema names them, with their titles. */
export const PROTECTION_TITLES = { login: "Login", action: "Operation" } as const;

export type ProtectionName = keyof typeof PROTECTION_TITLES;

export const PROTECTIONS = Object.keys(PROTECTION_TITLES) as readonly ProtectionName[];

/** The methods to switch in both protections. A method that is left out stays as it is. */
export type Switches = Readonly<Record<ProtectionName, MethodsToSwitch>>;

export const STATUS_TITLES: Readonly<Record<MfaChangeStatus, string>> = {
  AWAITING_APPROVAL: "Awaits approval",
  PENDING: "In progress",
  APPLIED: "Applied",
  REFUSED: "Refused",
  UNKNOWN: "Unknown",
};

/** Returns the switches of a change or rollout, such as "Login: SMS to the phone on". */
export function switchesOf(requested: MfaMethodsOfBoth | null): readonly string[] {
  return PROTECTIONS.flatMap((protection) =>
    METHODS.flatMap((method) => {
      const wanted = (requested?.[protection] as Partial<Record<Method, boolean | null>> | null)?.[method];
      if (wanted === undefined || wanted === null) return [];
      return [`${PROTECTION_TITLES[protection]}: ${METHOD_TITLES[method]} ${wanted ? "on" : "off"}`];
    }),
  );
}

/** A user's protections before and after. */
interface TwoImages {
  readonly before: Readonly<Record<ProtectionName, LoginActionFlag>>;
  readonly after: Readonly<Record<ProtectionName, LoginActionFlag>>;
}

/** Returns what differs, such as "Login: WeChat on". */
export function differencesOf({ before, after }: TwoImages): readonly string[] {
  return PROTECTIONS.flatMap((protection) =>
    METHODS.filter((method) => before[protection][method] !== after[protection][method]).map((method) => {
      const now = after[protection][method];
      const state = now === null ? "no longer reported" : now ? "on" : "off";
      return `${PROTECTION_TITLES[protection]}: ${METHOD_TITLES[method]} ${state}`;
    }),
  );
}

/** Returns the protections that had a method before and have none afterwards. */
export function lostProtectionsOf({ before, after }: TwoImages): readonly ProtectionName[] {
  const isOn = (flags: LoginActionFlag) => METHODS.some((method) => flags[method] === true);
  return PROTECTIONS.filter((protection) => isOn(before[protection]) && !isOn(after[protection]));
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Returns an ISO 8601 time in the visitor's language and time zone. */
export function timeOf(iso: string): string {
  return TIME.format(new Date(iso));
}

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
