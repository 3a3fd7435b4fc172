import {
  type CamAttempt,
  type CamCallOptions,
  type CamClient,
  CamError,
  type CamResult,
  describeSafeAuthFlagColl,
  matchesFlagSets,
  mayHaveBeenApplied,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  setMfaFlag,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { camAnswerOf } from "./failure.ts";
import type { MfaChangeContext, MfaChangeOutcome } from "./mfa-change.ts";

export interface MfaFlagClientDeps {
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
}

/** The end of a write: the proof that the flag sets are in force, or the error. */
export type WriteResult = WriteCost &
  ({ readonly outcome: Omit<MfaChangeOutcome, "changeId"> } | { readonly error: unknown });

interface WriteCost {
  /** The number of attempts at SetMfaFlag, without those that had no key. */
  readonly attempts: number;
  readonly quotaWaitMs: number;
}

/** How often the gateway repeats a write whose outcome it does not know. */
const MAX_RESENDS = 3;
const RESEND_DELAY_MS = 200;

/**
 * The share of the remaining time that is reserved for reading back, so that the gateway can read the user even after
 * the last lost reply.
 */
const READ_BACK_SHARE = 0.25;

/**
 * Writes full flag sets, and resolves a lost reply: reads the user back, and sends the same flag sets again, up to
 * MAX_RESENDS times. If a read fails, the repetitions are used up or the time is over, the outcome is unknown, and
 * reconciler.ts continues.
 */
export class MfaFlagClient {
  readonly #deps: MfaFlagClientDeps;

  constructor(deps: MfaFlagClientDeps) {
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
  readAtBulkPriority(opUin: Uin, requestId: string, deadlineMs: number): Promise<CamResult<SafeAuthFlags>> {
    const options = { deadlineMs, traceId: requestId, priority: "bulk", maxAttempts: 1 } as const;
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, options);
  }

  /**
   * Makes a call of SetMfaFlag, and up to MAX_RESENDS more while the outcome is unknown. If CAM cannot have applied the
   * first call, its error is the outcome. Otherwise only a success reply, or a read that shows the flag sets, gives the
   * outcome. CAM may apply a call late. So a read of another state proves nothing, and neither does the refusal of a
   * later call.
   *
   * @param canConfirmByRead False if an earlier state of the user has the same flags, so that a stale read would look
   *   like a success.
   * @returns With a CamError, or a GatewayError other than OUTCOME_UNKNOWN, CAM has applied no request and never will.
   */
  async write(
    flagSets: SetMfaFlagInput,
    context: MfaChangeContext,
    canConfirmByRead: boolean,
  ): Promise<WriteResult> {
    const { cam, clock } = this.#deps;
    const leftMs = context.deadlineMs - clock.monotonic();
    const deadlineMs = context.deadlineMs - leftMs * READ_BACK_SHARE;
    const cost = { attempts: 0, quotaWaitMs: 0 };
    const onAttempt = ({ attempt, quotaWaitMs, error }: CamAttempt): void => {
      if (attempt > 0 && error?.kind !== "NO_CREDENTIAL") cost.attempts += 1;
      cost.quotaWaitMs += quotaWaitMs;
    };
    const options = { ...callOptionsOf(context), deadlineMs, onAttempt };
    const errors: unknown[] = [];
    for (let resends = 0; ; resends++) {
      try {
        const { camRequestId } = await cam.call(setMfaFlag, flagSets, options);
        return { ...cost, outcome: { resolvedBy: "REPLY", camRequestId } };
      } catch (error) {
        // The first request was not sent, or CAM refused it: that is the outcome.
        if (errors.length === 0 && !(error instanceof CamError && mayHaveBeenApplied(error))) {
          return { ...cost, error };
        }
        errors.push(error);
      }
      try {
        const { output, camRequestId } = await this.read(flagSets.opUin, context);
        if (canConfirmByRead && matchesFlagSets(output, flagSets)) {
          return { ...cost, outcome: { resolvedBy: "READ_BACK", camRequestId } };
        }
      } catch (error) {
        errors.push(error);
        break;
      }
      const delayMs = RESEND_DELAY_MS * 2 ** resends;
      if (resends >= MAX_RESENDS || clock.monotonic() + delayMs >= deadlineMs) break;
      // All requests carry the same full flag sets, so the result is the same whichever CAM applies last.
      await clock.sleep(delayMs);
    }
    return { ...cost, error: outcomeUnknown(flagSets.opUin, errors) };
  }
}

/** Returns the options that all calls to CAM for a change share. */
export function callOptionsOf({ caller, requestId, deadlineMs, priority }: MfaChangeContext): CamCallOptions {
  return { deadlineMs, traceId: requestId, caller: caller.subject, ...(priority && { priority }) };
}

/** Returns OUTCOME_UNKNOWN, with the last code that CAM sent. */
function outcomeUnknown(opUin: Uin, errors: readonly unknown[]): GatewayError {
  const last = errors.findLast(
    (error): error is CamError => error instanceof CamError && error.camCode !== undefined,
  );
  const cam = camAnswerOf(last?.camCode, last?.action, last?.camRequestId);
  const cause =
    errors.length === 1 ? errors[0] : new AggregateError(errors, "No answer tells whether CAM applied it.");
  return new GatewayError("OUTCOME_UNKNOWN", { opUin, cam, cause });
}
