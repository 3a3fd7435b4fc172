import type { CamErrorCode } from "../contract/index.ts";
import type { AccountsInput, SubUserDirectoryFilter } from "./directory-types.ts";
import type { MfaRolloutItemState, MfaRolloutStatus } from "./rollout-types.ts";
import type { MethodsToSwitch } from "./schema-types.ts";

/** The users of a rollout. All given parts have to match. */
export interface MfaRolloutSelectionInput extends AccountsInput {
  readonly filter?: SubUserDirectoryFilter | null | undefined;
  readonly opUins?: readonly string[] | null | undefined;
}

/** Either a number of users, or a percentage of those that will change. */
export interface MaxFailuresInput {
  readonly count?: number | null | undefined;
  readonly percent?: number | null | undefined;
}

export interface MfaRolloutWaveInput {
  readonly users: number;
  /** The hours before the next wave. */
  readonly holdHours?: number | null | undefined;
  /** Whether the next wave waits for a person. */
  readonly waitForRelease?: boolean | null | undefined;
}

/** The times in which users may be changed. */
export interface MfaRolloutWindowInput {
  /** Such as Mon. Default: every day. */
  readonly days?: readonly string[] | null | undefined;
  /** `HH:MM`, as is `to`. */
  readonly from: string;
  readonly to: string;
  /** An IANA time zone, such as Asia/Shanghai. */
  readonly timeZone: string;
}

/** The input of planMfaRollout. */
export interface PlanMfaRolloutInput {
  readonly name: string;
  readonly reason: string;
  readonly selection: MfaRolloutSelectionInput;
  readonly desired: {
    readonly login?: MethodsToSwitch | null | undefined;
    readonly action?: MethodsToSwitch | null | undefined;
  };
  readonly maxFailures?: MaxFailuresInput | null | undefined;
  readonly waves?: readonly MfaRolloutWaveInput[] | null | undefined;
  readonly window?: MfaRolloutWindowInput | null | undefined;
  /** Whether users at risk are changed too. Default: false. */
  readonly includeAtRisk?: boolean | null | undefined;
}

/** The input of mfaRollout. `filter`, `first` and `after` concern its users. */
export interface MfaRolloutInput {
  readonly id: string;
  readonly filter?:
    | {
        readonly states?: readonly MfaRolloutItemState[] | null | undefined;
        readonly codes?: readonly CamErrorCode[] | null | undefined;
        readonly accounts?: readonly string[] | null | undefined;
        /** A part of the name or Uin. */
        readonly search?: string | null | undefined;
      }
    | null
    | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

export interface MfaRolloutsInput {
  readonly status?: MfaRolloutStatus | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** The input of pauseMfaRollout, cancelMfaRollout and rejectMfaRollout. */
export interface MfaRolloutOrderInput {
  readonly id: string;
  readonly reason?: string | null | undefined;
}

export interface StartMfaRolloutInput {
  readonly id: string;
  /** The hash of the plan that the caller has read. */
  readonly planHash: string;
}

export interface ApproveMfaRolloutInput extends StartMfaRolloutInput {
  readonly reason?: string | null | undefined;
}

export interface UndoMfaRolloutInput {
  readonly id: string;
  readonly reason: string;
}

export interface ReleaseMfaRolloutWaveInput {
  readonly id: string;
  /** The wave that waits, from 2. */
  readonly wave: number;
}

/** The input of mfaRolloutBundle. */
export interface MfaRolloutBundleInput {
  readonly id: string;
  /** The number of lines, from 1 to 500. Default: 500. */
  readonly first?: number | null | undefined;
  /** How many lines come before. Default: 0. */
  readonly after?: number | null | undefined;
}
