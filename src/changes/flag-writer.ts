/**
 * Composes the flag sets of a change, writes them to CAM, and reads the user back if the reply is lost.
 */

import type { Protection } from "../auth/policy/policy.ts";
import {
  type CamAttempt,
  type CamCallOptions,
  type CamClient,
  CamError,
  type CamResult,
  describeSafeAuthFlagColl,
  type MfaFlagSet,
  type MfaFlagState,
  mayHaveBeenApplied,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  setMfaFlag,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { camAnswerOf } from "./failure.ts";
import type { MfaChangeContext, MfaChangeOutcome, MfaChangeRequest, MfaMethods } from "./mfa-change.ts";

export interface FlagWriterDeps {
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
}

/** The end of a write: the proof that the flag sets are in force, or the error. */
export type WriteResult = WriteEffort &
  ({ readonly outcome: Omit<MfaChangeOutcome, "changeId"> } | { readonly error: unknown });

interface WriteEffort {
  /** The number of SetMfaFlag requests that the gateway made. */
  readonly attempts: number;
  readonly quotaWaitMs: number;
}

/** How often the gateway repeats a write whose outcome it does not know. */
const MAX_RESENDS = 3;
const RESEND_DELAY_MS = 200;

/**
 * The share of the remaining time that is reserved for reading back, so that even the last lost reply can be resolved.
 */
const READ_BACK_SHARE = 0.25;

/**
 * Writes full flag sets, and resolves a lost reply: reads the user back, and sends the same flag sets again. If the
 * deadline comes first, the outcome is unknown, and reconciler.ts continues.
 */
export class FlagWriter {
  readonly #deps: FlagWriterDeps;

  constructor(deps: FlagWriterDeps) {
    this.#deps = deps;
  }

  /** Returns the protections of the user as CAM reports them now. */
  read(
    opUin: Uin,
    context: MfaChangeContext,
    options?: Pick<CamCallOptions, "forWrite">,
  ): Promise<CamResult<SafeAuthFlags>> {
    const call = { ...callOptionsOf(context), ...options };
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, call);
  }

  /** Reads the user once, with lower priority than all calls that a caller waits for. */
  look(opUin: Uin, requestId: string, deadlineMs: number): Promise<CamResult<SafeAuthFlags>> {
    const options = { deadlineMs, traceId: requestId, priority: "bulk", maxAttempts: 1 } as const;
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, options);
  }

  /**
   * Writes until CAM shows or confirms the flag sets, or refuses them. CAM may still apply a request without a reply.
   * After such a request, only a read or a reply that shows the flag sets in force gives the outcome. CAM's refusal of
   * a later request proves nothing about the earlier one. A read that shows another state proves nothing, because CAM
   * may apply the request late.
   *
   * @param readsProve Whether a read that shows the flag sets proves that they are in force. A read may be stale.
   * @returns With an error other than OUTCOME_UNKNOWN, CAM has applied no request and never will.
   */
  async write(
    flagSets: SetMfaFlagInput,
    context: MfaChangeContext,
    readsProve: boolean,
  ): Promise<WriteResult> {
    const { cam, clock } = this.#deps;
    const leftMs = context.deadlineMs - clock.monotonic();
    const deadlineMs = context.deadlineMs - leftMs * READ_BACK_SHARE;
    const effort = { attempts: 0, quotaWaitMs: 0 };
    const onAttempt = ({ attempt, quotaWaitMs, error }: CamAttempt): void => {
      if (attempt > 0 && error?.kind !== "NO_CREDENTIAL") effort.attempts += 1;
      effort.quotaWaitMs += quotaWaitMs;
    };
    const options = { ...callOptionsOf(context), deadlineMs, onAttempt };
    const errors: unknown[] = [];
    for (let resends = 0; ; resends++) {
      try {
        const { camRequestId } = await cam.call(setMfaFlag, flagSets, options);
        return { ...effort, outcome: { resolvedBy: "REPLY", camRequestId } };
      } catch (error) {
        // The first request was not sent, or CAM refused it: that is the outcome.
        if (errors.length === 0 && !(error instanceof CamError && mayHaveBeenApplied(error))) {
          return { ...effort, error };
        }
        errors.push(error);
      }
      try {
        const { output, camRequestId } = await this.read(flagSets.opUin, context);
        if (readsProve && matchesFlagSets(output, flagSets)) {
          return { ...effort, outcome: { resolvedBy: "READ_BACK", camRequestId } };
        }
      } catch (error) {
        errors.push(error);
        break;
      }
      const delayMs = RESEND_DELAY_MS * 2 ** resends;
      if (resends >= MAX_RESENDS || clock.monotonic() + delayMs >= deadlineMs) break;
      // Full flag sets are absolute: an earlier request that CAM applies after the repetition changes nothing.
      await clock.sleep(delayMs);
    }
    return { ...effort, error: outcomeUnknown(flagSets.opUin, errors) };
  }
}

/** Returns the options that all calls to CAM for a change share. */
export function callOptionsOf({ caller, requestId, deadlineMs, priority }: MfaChangeContext): CamCallOptions {
  return { deadlineMs, traceId: requestId, caller: caller.subject, ...(priority && { priority }) };
}

/** Returns OUTCOME_UNKNOWN with the last of the errors that is an answer of CAM. */
function outcomeUnknown(opUin: Uin, errors: readonly unknown[]): GatewayError {
  const last = errors.findLast(
    (error): error is CamError => error instanceof CamError && error.camCode !== undefined,
  );
  const cam = camAnswerOf(last?.camCode, last?.action, last?.camRequestId);
  const cause =
    errors.length === 1 ? errors[0] : new AggregateError(errors, "No answer tells whether CAM applied it.");
  return new GatewayError("OUTCOME_UNKNOWN", { opUin, cam, cause });
}

/** The methods that SetMfaFlag can express. */
export const WRITABLE = ["phone", "stoken", "wechat"] as const;

/** The methods that CAM reports and SetMfaFlag cannot express. */
const NOT_WRITABLE = ["token", "custom", "mail", "u2fToken", "passkey"] as const;

/** Whether a request names any method at all. */
export function asksForSomething(request: Pick<MfaChangeRequest, "login" | "action">): boolean {
  return namesAMethod(request.login) || namesAMethod(request.action);
}

/**
 * Returns the full flag sets to send: the caller's values, and the known state of all other methods. Omits a protection
 * that the caller did not name.
 *
 * @param maybe Flag sets of earlier writes that may also be in force. A method that the caller did not name stays on if
 *   one of these writes switches it on.
 * @throws GatewayError MFA_METHOD_NOT_WRITABLE if the write would affect a method that it cannot express.
 * @throws GatewayError CAM_BAD_RESPONSE if CAM did not report a method to keep. A guess could switch it off.
 */
export function composeFlagSets(
  request: MfaChangeRequest,
  known: SafeAuthFlags,
  maybe: readonly Partial<SetMfaFlagInput>[] = [],
): SetMfaFlagInput {
  const login = composeFlagSet("login", request, known, maybe);
  const action = composeFlagSet("action", request, known, maybe);
  return { opUin: request.opUin, ...(login && { login }), ...(action && { action }) };
}

function composeFlagSet(
  protection: Protection,
  request: MfaChangeRequest,
  known: SafeAuthFlags,
  maybe: readonly Partial<SetMfaFlagInput>[],
): MfaFlagSet | undefined {
  const wanted = request[protection];
  if (!namesAMethod(wanted)) return undefined;
  const { opUin } = request;
  const before = known[protection];
  const inTheWay = NOT_WRITABLE.filter((method) => before[method] === true);
  if (inTheWay.length > 0 && !request.overwriteOtherMethods) {
    throw new GatewayError("MFA_METHOD_NOT_WRITABLE", {
      opUin,
      hint: `The ${protection} protection of this user uses ${inTheWay.join(" and ")}.`,
    });
  }
  const keep = (method: (typeof WRITABLE)[number]): boolean =>
    maybe.some((flagSets) => flagSets[protection]?.[method]) ||
    (before[method] ?? failNotSaid(protection, method, opUin));
  const keepOrSet = (method: (typeof WRITABLE)[number]): boolean => wanted[method] ?? keep(method);
  return { phone: keepOrSet("phone"), stoken: keepOrSet("stoken"), wechat: keepOrSet("wechat") };
}

function failNotSaid(protection: Protection, method: string, opUin: Uin): never {
  throw new GatewayError("CAM_BAD_RESPONSE", {
    opUin,
    hint: `CAM did not say whether ${method} is on for ${protection}; give all three methods to set them regardless.`,
  });
}

/** Whether a user's state matches the flag sets. */
export function matchesFlagSets(
  state: Partial<Record<Protection, MfaFlagSet | MfaFlagState>>,
  { login, action }: Partial<SetMfaFlagInput>,
): boolean {
  return (
    (login === undefined || matchesFlagSet(state.login, login)) &&
    (action === undefined || matchesFlagSet(state.action, action))
  );
}

/** Whether the state of one protection matches a flag set. */
export function matchesFlagSet(flags: MfaFlagSet | MfaFlagState | undefined, flagSet: MfaFlagSet): boolean {
  return flags !== undefined && WRITABLE.every((method) => flags[method] === flagSet[method]);
}

/** Both protections, as far as they are known. */
type KnownFlags = Readonly<Record<keyof SafeAuthFlags, Partial<MfaFlagState>>>;

/** Whether two images of a user agree on every method that both know. */
export function mayBeEqual(one: KnownFlags, other: KnownFlags): boolean {
  const agree = (a: Partial<MfaFlagState>, b: Partial<MfaFlagState>): boolean =>
    [...WRITABLE, ...NOT_WRITABLE].every((method) => (a[method] ?? b[method]) === (b[method] ?? a[method]));
  return agree(one.login, other.login) && agree(one.action, other.action);
}

function namesAMethod(methods: MfaMethods | undefined): methods is MfaMethods {
  return methods !== undefined && WRITABLE.some((method) => methods[method] !== undefined);
}

/**
 * Whether the flag sets remove the last method of a user over both protections. A method that CAM did not report counts
 * as one that the user may have. A method that a written flag set cannot express counts as removed, because the write
 * may remove it.
 */
export function turnsOffLastMethod(before: SafeAuthFlags, flagSets: SetMfaFlagInput): boolean {
  const mayHaveOne = mayBeOn(before.login) || mayBeOn(before.action);
  return mayHaveOne && !isOn(flagSets.login ?? before.login) && !isOn(flagSets.action ?? before.action);
}

/** Whether the flag sets leave a protection without any method that had one before. */
export function endsProtection(before: SafeAuthFlags, flagSets: Omit<SetMfaFlagInput, "opUin">): boolean {
  return (["login", "action"] as const).some(
    (protection) => isOn(before[protection]) && !isOn(flagSets[protection] ?? before[protection]),
  );
}

function isOn(flags: MfaFlagSet | MfaFlagState): boolean {
  return Object.values(flags).includes(true);
}

/**
 * Whether a protection may have a method. If CAM does not report a method that a write cannot express, the account does
 * not offer it.
 */
function mayBeOn(flags: MfaFlagState): boolean {
  return isOn(flags) || [flags.phone, flags.stoken, flags.wechat].includes(undefined);
}
