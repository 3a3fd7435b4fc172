import {
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
import { asksForSomething, composeBlocks, matchesBlocks } from "./compose-blocks.ts";
import type { ChangeObserver, MfaChangeContext, MfaChangeOutcome, MfaChangeRequest } from "./mfa-change.ts";
import { UserTurns } from "./user-turns.ts";

export interface ChangeServiceDeps {
  readonly cam: CamClient;
  readonly clock: Clock;
  readonly observer?: ChangeObserver;
}

/** How often a write that provably did not take effect is sent again. */
const MAX_RESENDS = 3;
const RESEND_DELAY_MS = 200;

/** Part of the time that is kept for reading back, so that the last lost reply can still be resolved. */
const READ_BACK_SHARE = 0.25;

/** The one door for writes: read what is, compose full blocks, send them, and find out what became of them. */
export class ChangeService {
  readonly #deps: ChangeServiceDeps;
  readonly #turns: UserTurns;
  readonly #inFlight = new Map<string, Promise<MfaChangeOutcome>>();

  constructor(deps: ChangeServiceDeps) {
    this.#deps = deps;
    this.#turns = new UserTurns(deps.clock);
  }

  /**
   * Sets the protections of one sub-user. The same change already in flight is joined. Once begun it goes on,
   * whether or not the caller still waits.
   *
   * @throws GatewayError NOTHING_TO_CHANGE, MFA_METHOD_NOT_WRITABLE, CHANGE_IN_PROGRESS, QUOTA_EXHAUSTED, OUTCOME_UNKNOWN.
   * @throws CamError with what CAM answered.
   */
  setSubUserMfa(request: MfaChangeRequest, context: MfaChangeContext): Promise<MfaChangeOutcome> {
    if (!asksForSomething(request)) {
      return Promise.reject(new GatewayError("NOTHING_TO_CHANGE", { opUin: request.opUin }));
    }
    const key = identityOf(request);
    const same = this.#inFlight.get(key);
    if (same !== undefined) return same;
    const change = this.#turns
      .run(request.opUin, context.deadlineMs, () => this.#change(request, context))
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, change);
    return change;
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight.values());
  }

  async #change(request: MfaChangeRequest, context: MfaChangeContext): Promise<MfaChangeOutcome> {
    const { clock, observer } = this.#deps;
    const startedMs = clock.monotonic();
    let before: SafeAuthFlags | undefined;
    let blocks: SetMfaFlagInput | undefined;
    const report = (result: { outcome: MfaChangeOutcome } | { error: unknown }): void =>
      observer?.onChange({
        request,
        context,
        before,
        blocks,
        result,
        durationMs: clock.monotonic() - startedMs,
      });
    try {
      before = (await this.#read(request.opUin, context)).output;
      blocks = composeBlocks(request, before);
      const outcome = await this.#write(blocks, context);
      report({ outcome });
      return outcome;
    } catch (error) {
      report({ error });
      throw error;
    }
  }

  async #write(blocks: SetMfaFlagInput, context: MfaChangeContext): Promise<MfaChangeOutcome> {
    const { cam, clock } = this.#deps;
    const leftMs = context.deadlineMs - clock.monotonic();
    const writeDeadlineMs = context.deadlineMs - leftMs * READ_BACK_SHARE;
    let lost: CamError | undefined;
    for (let resends = 0; ; resends++) {
      try {
        const options = { deadlineMs: writeDeadlineMs, traceId: context.requestId };
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
        if (resends >= MAX_RESENDS || clock.monotonic() + delayMs >= writeDeadlineMs) {
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
      const reading = await this.#read(blocks.opUin, context);
      return matchesBlocks(reading.output, blocks) ? reading : undefined;
    } catch (error) {
      throw new GatewayError("OUTCOME_UNKNOWN", {
        opUin: blocks.opUin,
        cause: new AggregateError([lost, error], "The reply was lost and the user could not be read back."),
      });
    }
  }

  #read(opUin: Uin, context: MfaChangeContext): Promise<CamResult<SafeAuthFlags>> {
    const options = { deadlineMs: context.deadlineMs, traceId: context.requestId };
    return this.#deps.cam.call(describeSafeAuthFlagColl, { subUin: opUin }, options);
  }
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

function identityOf({ opUin, login, action, overwriteOtherMethods }: MfaChangeRequest): string {
  const methods = (of: typeof login) => [of?.phone, of?.stoken, of?.wechat];
  return JSON.stringify([opUin, methods(login), methods(action), overwriteOtherMethods]);
}
