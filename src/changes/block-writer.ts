import {
  type CamAttempt,
  type CamClient,
  CamError,
  type CamResult,
  describeSafeAuthFlagColl,
  isThrottle,
  mayHaveBeenApplied,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  setMfaFlag,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { matchesBlocks } from "./compose-blocks.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

export interface BlockWriterDeps {
  readonly cam: CamClient;
  readonly clock: Clock;
}

/** That the blocks are in force, and how it is known. */
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

/** How often a write that provably did not take effect is sent again. */
const MAX_RESENDS = 3;
const RESEND_DELAY_MS = 200;

/** Part of the time that is kept for reading back, so that the last lost reply can still be resolved. */
const READ_BACK_SHARE = 0.25;

/** Sends full blocks and finds out what became of them. */
export class BlockWriter {
  readonly #deps: BlockWriterDeps;

  constructor(deps: BlockWriterDeps) {
    this.#deps = deps;
  }

  /** The user's protections as CAM reports them now. */
  read(
    opUin: Uin,
    {
      caller,
      requestId,
      deadlineMs,
    }: Pick<MfaChangeContext, "requestId" | "deadlineMs"> & Partial<MfaChangeContext>,
  ): Promise<CamResult<SafeAuthFlags>> {
    const options = { deadlineMs, traceId: requestId, caller: caller?.subject };
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, options);
  }

  /**
   * Writes until the blocks are in force or CAM says that they will not be.
   *
   * @param effort is added to.
   * @throws CamError with CAM's answer, or QUOTA_EXHAUSTED: the blocks are not in force.
   * @throws GatewayError OUTCOME_UNKNOWN: a request may still be on its way, or the user could not be read back.
   */
  async write(
    blocks: SetMfaFlagInput,
    context: MfaChangeContext,
    effort: WriteEffort,
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
    let lost: CamError | undefined;
    for (let resends = 0; ; resends++) {
      try {
        const { requestId } = await cam.call(setMfaFlag, blocks, options);
        return { resolvedBy: "REPLY", camRequestId: requestId };
      } catch (error) {
        if (!(error instanceof CamError) || !mayHaveBeenApplied(error)) {
          throw lost === undefined || isVerdict(error) ? error : unresolved(lost, blocks.opUin);
        }
        lost = error;
        const shown = await this.#readBack(blocks, context, error);
        if (shown !== undefined) return { resolvedBy: "READ_BACK", camRequestId: shown.requestId };
        const delayMs = RESEND_DELAY_MS * 2 ** resends;
        if (resends >= MAX_RESENDS || clock.monotonic() + delayMs >= deadlineMs) {
          throw unresolved(error, blocks.opUin);
        }
        await clock.sleep(delayMs);
      }
    }
  }

  /**
   * The reading that shows the user as the blocks say, or undefined where it shows another state. Sending the
   * same full blocks again is safe then: they are absolute, so an earlier request that still arrives changes
   * nothing.
   *
   * @throws GatewayError OUTCOME_UNKNOWN where the user cannot be read.
   */
  async #readBack(
    blocks: SetMfaFlagInput,
    context: MfaChangeContext,
    lost: CamError,
  ): Promise<CamResult<SafeAuthFlags> | undefined> {
    try {
      const reading = await this.read(blocks.opUin, context);
      return matchesBlocks(reading.output, blocks) ? reading : undefined;
    } catch (error) {
      throw new GatewayError("OUTCOME_UNKNOWN", {
        opUin: blocks.opUin,
        cause: new AggregateError([lost, error], "The reply was lost and the user could not be read back."),
      });
    }
  }
}

function tallyInto(effort: WriteEffort): (attempt: CamAttempt) => void {
  return ({ attempt, quotaWaitMs, error }) => {
    if (attempt > 0 && error?.kind !== "NO_CREDENTIAL") effort.attempts += 1;
    effort.quotaWaitMs += quotaWaitMs;
  };
}

/**
 * What to say when the user is unchanged and time is up: where CAM answered, its answer. Where it did not, the
 * request may still be on its way, and only a later look can tell.
 */
function unresolved(error: CamError, opUin: Uin): Error {
  const answered = error.kind === "REFUSED" || error.kind === "BAD_RESPONSE";
  return answered ? error : new GatewayError("OUTCOME_UNKNOWN", { opUin, cause: error });
}

/**
 * Whether CAM judged the change itself, which then holds for an earlier request of the same content too.
 * Whatever else kept it from being sent again says nothing of the one that may still be on its way.
 */
function isVerdict(error: unknown): boolean {
  return error instanceof CamError && error.kind === "REFUSED" && !isThrottle(error.camCode);
}
