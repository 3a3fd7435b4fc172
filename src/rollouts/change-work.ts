import { randomUUID } from "node:crypto";
import type { ChangeSettlement } from "../audit/change-record.ts";
import type { OpenItem, RolloutChangeStore } from "../audit/rollout-change-store.ts";
import type { Protection } from "../auth/policy/policy.ts";
import { type SafeAuthFlags, type SetMfaFlagInput, WRITABLE_METHODS } from "../cam/index.ts";
import type { ChangeService } from "../changes/change-service.ts";
import { failureOf } from "../changes/failure.ts";
import type { MfaChangeRequest, MfaMethods } from "../changes/mfa-change.ts";
import { leaseMsOf } from "../changes/prepare-change.ts";
import type { Reconciler } from "../changes/reconciler.ts";
import type { Clock } from "../clock.ts";
import type { CamErrorCode, Uin } from "../contract/index.ts";
import { effectOfFailure } from "./failure-effect.ts";
import type { LaneKey, LaneWork } from "./lane-runner.ts";
import type { ClaimedItem, RunStore } from "./run-store.ts";
import type { RunningRollout } from "./running-rollout.ts";

const CALLER_PAUSED_HINT = "The bulk guard paused the caller who started or approved the rollout.";

interface ChangeWorkDeps {
  readonly rollout: RunningRollout;
  readonly lane: LaneKey;
  readonly changes: Pick<ChangeService, "changeItem" | "repeatItem">;
  readonly rolloutChangeStore: Pick<RolloutChangeStore, "claimOpen">;
  /** Finds out the outcomes of the account's changes. */
  readonly reconciler: Pick<Reconciler, "settle">;
  readonly runStore: RunStore;
  readonly clock: Clock;
  /** The time for one item. */
  readonly timeLimitMs: number;
  /** The bulk guard paused the caller who started the rollout, or the one who approved it. */
  readonly onCallerPaused: () => void;
  /** An item failed with an error that the gateway did not raise deliberately. */
  readonly onUnexpected: (error: unknown) => void;
}

/** The interval at which a lane looks for items of dead processes, and for open outcomes whose next read is due. */
const RECOVER_MS = 3_000;
/** The most open outcomes that the lane claims at a time. */
const OPEN_BATCH = 20;
/** The wait before the next attempt at an item whose user has another open change. */
const BUSY_MS = 3_000;

/** An item to change, or one whose outcome is open. */
type LaneItem = ClaimedItem | OpenItem;

/** Makes the changes of a rollout in one account. */
export class ChangeWork implements LaneWork<LaneItem> {
  readonly #deps: ChangeWorkDeps;
  #recoveredMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ChangeWorkDeps) {
    this.#deps = deps;
  }

  async claim(limit: number) {
    const { clock, timeLimitMs, lane, runStore, rolloutChangeStore } = this.#deps;
    const claim = await runStore.claim(lane, limit, timeLimitMs);
    const nowMs = clock.monotonic();
    if (limit === 0 || nowMs - this.#recoveredMs < RECOVER_MS) return claim;
    this.#recoveredMs = nowMs;
    await recoverItems(runStore, lane);
    const leaseMs = leaseMsOf({ deadlineMs: nowMs + timeLimitMs }, nowMs);
    const leased = { ...lane, leaseOwner: runStore.owner };
    const open = await rolloutChangeStore.claimOpen(leased, OPEN_BATCH, leaseMs);
    return { ...claim, items: [...claim.items, ...open] };
  }

  async run(item: LaneItem): Promise<CamErrorCode | undefined> {
    const { changes, rollout, lane, reconciler } = this.#deps;
    try {
      if ("record" in item) await reconciler.settle(item.record, () => this.#repeatWrite(item));
      else {
        const request = requestOfItem(item, lane.account, rollout.reason);
        await changes.changeItem(request, this.#orderOf(item), this.#newContext());
      }
      return undefined;
    } catch (error) {
      return this.#settleFailure(item, error);
    }
  }

  release(item: LaneItem, afterMs: number): Promise<void> {
    return this.#deps.runStore.release(this.#deps.lane, item, afterMs);
  }

  pause(code: string | undefined, pauseMs: number): Promise<void> {
    return this.#deps.runStore.recordLanePause(this.#deps.lane, code, pauseMs);
  }

  end(): Promise<void> {
    return this.#deps.runStore.releaseLane(this.#deps.lane);
  }

  /** Returns undefined if the write may not be repeated. The gateway then only reads the user. */
  async #repeatWrite(open: OpenItem): Promise<ChangeSettlement | undefined> {
    const { before, sent } = open.record as OpenItem["record"] & Pick<ClaimedItem, "before" | "sent">;
    const order = this.#orderOf({ ...open, before, sent });
    try {
      return await this.#deps.changes.repeatItem(open, order, this.#newContext());
    } catch (error) {
      if (failureOf(error) === undefined) this.#deps.onUnexpected(error);
      return undefined;
    }
  }

  #orderOf({ item, attempt, before, sent }: Pick<ClaimedItem, "item" | "attempt" | "before" | "sent">) {
    const { rollout, runStore } = this.#deps;
    const { id: rolloutId, approver } = rollout;
    return { rolloutId, leaseOwner: runStore.owner, approver, item, attempt, before, sent };
  }

  #newContext() {
    const { clock, rollout, timeLimitMs } = this.#deps;
    return {
      ...{ caller: rollout.startedBy, requestId: randomUUID(), priority: "bulk" as const },
      deadlineMs: clock.monotonic() + timeLimitMs,
    };
  }

  async #settleFailure(item: LaneItem, error: unknown): Promise<CamErrorCode | undefined> {
    const { lane, runStore, onCallerPaused, onUnexpected } = this.#deps;
    const failure = failureOf(error);
    if (failure === undefined) onUnexpected(error);
    const code = failure?.code ?? "INTERNAL";
    const effect = effectOfFailure(failure?.code);
    switch (effect) {
      case "OPEN":
        return undefined;
      case "LANE":
        return code;
      case "AGAIN":
        await runStore.release(lane, item, BUSY_MS);
        return undefined;
      case "ROLLOUT":
        if (await runStore.pause(lane.rolloutId, code, CALLER_PAUSED_HINT)) onCallerPaused();
        await runStore.release(lane, item, 0);
        return undefined;
      default:
        await runStore.settle(lane, item, {
          state: effect,
          code,
          camCode: failure?.cam?.code,
          why: failure?.message,
        });
        return undefined;
    }
  }
}

/** Releases or ends a lane's items that a dead process left. */
export async function recoverItems(store: RunStore, lane: LaneKey): Promise<void> {
  for (const { code, ...attempt } of await store.recover(lane)) {
    if (effectOfFailure(code) === "failed") await store.settle(lane, attempt, { state: "failed", code });
    else await store.release(lane, attempt, 0);
  }
}

/** The parts of an item that decide its change. */
interface PlannedChange {
  readonly opUin: Uin;
  readonly before: SafeAuthFlags;
  readonly sent: Pick<SetMfaFlagInput, "login" | "action">;
}

/**
 * Returns the request for an item's change, with only the methods that it switches. The policy decides about these.
 * ChangeService adds the other methods when it composes the flag sets.
 */
export function requestOfItem(
  { opUin, before, sent }: PlannedChange,
  account: string,
  reason: string,
): MfaChangeRequest {
  const switched = (protection: Protection): MfaMethods | undefined => {
    const flagSet = sent[protection];
    if (flagSet === undefined) return undefined;
    const methods = WRITABLE_METHODS.filter((method) => flagSet[method] !== before[protection][method]);
    return Object.fromEntries(methods.map((method) => [method, flagSet[method]]));
  };
  const [login, action] = [switched("login"), switched("action")];
  return { account, opUin, login, action, overwriteOtherMethods: false, reason };
}
