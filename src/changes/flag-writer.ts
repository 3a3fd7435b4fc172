import {
  type CamAttempt,
  type CamClient,
  CamError,
  type CamResult,
  describeSafeAuthFlagColl,
  mayHaveBeenApplied,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  setMfaFlag,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { type CamAnswer, GatewayError, type Uin } from "../contract/index.ts";
import { matchesFlagSets } from "./compose-flag-sets.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

export interface FlagWriterDeps {
  readonly cam: CamClient;
  readonly clock: Clock;
}

/** That the flag sets are in force, and how it is known. */
export interface WriteOutcome {
  readonly resolvedBy: "REPLY" | "READ_BACK";
  /** CAM's RequestId of the call that showed it. */
  readonly camRequestId: string;
}

/** What a write cost, whichever way it ended. */
export interface WriteEffort {
  /** Requests of SetMfaFlag that were made. */
  attempts: number;
  quotaWaitMs: number;
}

/** How often a write whose outcome is not known is sent again. */
const MAX_RESENDS = 3;
const RESEND_DELAY_MS = 200;

/** Part of the time that is kept for reading back, so that the last lost reply can still be resolved. */
const READ_BACK_SHARE = 0.25;

/** Sends full flag sets and finds out what became of them. */
export class FlagWriter {
  readonly #deps: FlagWriterDeps;

  constructor(deps: FlagWriterDeps) {
    this.#deps = deps;
  }

  /** The user's protections as CAM reports them now; `forWrite` as CamCallOptions. */
  read(
    opUin: Uin,
    {
      caller,
      requestId,
      deadlineMs,
      forWrite = false,
    }: Pick<MfaChangeContext, "requestId" | "deadlineMs"> &
      Partial<MfaChangeContext> & { readonly forWrite?: boolean },
  ): Promise<CamResult<SafeAuthFlags>> {
    const options = { deadlineMs, traceId: requestId, caller: caller?.subject, forWrite };
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, options);
  }

  /** One look at the user, behind whatever anybody waits for. It is not repeated where it fails. */
  look(opUin: Uin, requestId: string, deadlineMs: number): Promise<CamResult<SafeAuthFlags>> {
    const options = { deadlineMs, traceId: requestId, priority: "bulk", maxAttempts: 1 } as const;
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, options);
  }

  /**
   * Writes until the flag sets are known to be in force, or CAM refuses them. Once one request may have been applied, nothing
   * but the flag sets in force ends the doubt: neither CAM's refusal of another request, for that one was sent later, nor a
   * reading that shows another state, for CAM may apply the first one late.
   *
   * @param readsProve whether a reading that shows the flag sets proves that they are in force; the reading may be stale.
   * @param effort is added to.
   * @throws CamError, GatewayError where no request can have been applied.
   * @throws GatewayError OUTCOME_UNKNOWN with CAM's last code.
   */
  async write(
    flagSets: SetMfaFlagInput,
    context: MfaChangeContext,
    { readsProve, effort }: { readonly readsProve: boolean; readonly effort: WriteEffort },
  ): Promise<WriteOutcome> {
    const { cam, clock } = this.#deps;
    const leftMs = context.deadlineMs - clock.monotonic();
    const deadlineMs = context.deadlineMs - leftMs * READ_BACK_SHARE;
    const options = {
      deadlineMs,
      traceId: context.requestId,
      caller: context.caller.subject,
      observer: { onAttempt: tallyInto(effort) },
    };
    const errors: unknown[] = [];
    const unknown = (): GatewayError =>
      new GatewayError("OUTCOME_UNKNOWN", {
        opUin: flagSets.opUin,
        cam: lastAnswer(errors),
        cause:
          errors.length === 1 ? errors[0] : new AggregateError(errors, "No answer says what became of it."),
      });
    for (let resends = 0; ; resends++) {
      try {
        const { requestId } = await cam.call(setMfaFlag, flagSets, options);
        return { resolvedBy: "REPLY", camRequestId: requestId };
      } catch (error) {
        // What kept the first request from being sent, or made CAM refuse it, is the outcome.
        if (errors.length === 0 && !(error instanceof CamError && mayHaveBeenApplied(error))) throw error;
        errors.push(error);
      }
      try {
        const { output, requestId } = await this.read(flagSets.opUin, context);
        if (readsProve && matchesFlagSets(output, flagSets)) {
          return { resolvedBy: "READ_BACK", camRequestId: requestId };
        }
      } catch (error) {
        errors.push(error);
        throw unknown();
      }
      const delayMs = RESEND_DELAY_MS * 2 ** resends;
      if (resends >= MAX_RESENDS || clock.monotonic() + delayMs >= deadlineMs) throw unknown();
      // The same full flag sets again are safe: they are absolute, so that an earlier request which is still on its way
      // changes nothing.
      await clock.sleep(delayMs);
    }
  }
}

function tallyInto(effort: WriteEffort): (attempt: CamAttempt) => void {
  return ({ attempt, quotaWaitMs, error }) => {
    if (attempt > 0 && error?.kind !== "NO_CREDENTIAL") effort.attempts += 1;
    effort.quotaWaitMs += quotaWaitMs;
  };
}

/** The last of the errors that is an answer of CAM. */
function lastAnswer(errors: readonly unknown[]): CamAnswer | undefined {
  const last = errors.findLast(
    (error): error is CamError => error instanceof CamError && error.camCode !== undefined,
  );
  if (last?.camCode === undefined) return undefined;
  return { code: last.camCode, action: last.action, requestId: last.requestId ?? "" };
}
