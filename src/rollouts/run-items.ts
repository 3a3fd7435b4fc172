import { randomUUID } from "node:crypto";
import type { ChangeService } from "../changes/change-service.ts";
import { failureOf } from "../changes/failure.ts";
import type { Clock } from "../clock.ts";
import type { CamErrorCode } from "../contract/index.ts";
import { fateOf } from "./item-fate.ts";
import { requestOfItem } from "./item-request.ts";
import type { LaneName, LaneWork } from "./run-lane.ts";
import type { ClaimedItem, RunStore } from "./run-store.ts";
import type { RunningRollout } from "./running-rollout.ts";

interface RunItemsDeps {
  readonly rollout: RunningRollout;
  readonly lane: LaneName;
  readonly changes: Pick<ChangeService, "changeItem" | "repeatItem">;
  readonly store: RunStore;
  readonly clock: Clock;
  /** The time for one item. */
  readonly deadlineMs: number;
  /** The bulk guard paused the caller who started the rollout, or the one who approved it. */
  readonly onCallerPaused: () => void;
  /** An item failed with an error that the gateway did not raise deliberately. */
  readonly onUnexpected: (error: unknown) => void;
}

/** How often the lane looks for items that a dead process left. */
const RECOVER_MS = 3_000;
/** The wait between two repetitions of a write whose outcome is not known. */
const REPEAT_MS = 15_000;
/** The wait before an item is tried again whose user another change holds. */
const BUSY_MS = 3_000;

/** Makes the changes of a rollout in one account. */
export class RunItems implements LaneWork<ClaimedItem> {
  readonly #deps: RunItemsDeps;
  #recoveredMs = Number.NEGATIVE_INFINITY;

  constructor(deps: RunItemsDeps) {
    this.#deps = deps;
  }

  async claim(limit: number) {
    const { clock, deadlineMs, lane, store } = this.#deps;
    const claim = await store.claim(lane, limit, deadlineMs);
    if (limit === 0 || clock.monotonic() - this.#recoveredMs < RECOVER_MS) return claim;
    this.#recoveredMs = clock.monotonic();
    await recoverItems(store, lane);
    const unknown = await store.claimUnknown(lane, deadlineMs + REPEAT_MS);
    return { ...claim, items: [...claim.items, ...unknown] };
  }

  async run(item: ClaimedItem): Promise<CamErrorCode | undefined> {
    const { changes, clock, rollout, store, lane, deadlineMs } = this.#deps;
    const order = {
      ...{ rolloutId: rollout.id, leaseOwner: store.owner, approver: rollout.approver },
      ...{ item: item.item, attempt: item.attempt, before: item.before, sent: item.sent },
    };
    const context = {
      ...{ caller: rollout.asker, requestId: randomUUID(), priority: "bulk" as const },
      deadlineMs: clock.monotonic() + deadlineMs,
    };
    try {
      if (item.changeId !== undefined) {
        await changes.repeatItem(item.changeId, order, context);
        return undefined;
      }
      await changes.changeItem(requestOfItem(item, lane.account, rollout.reason), order, context);
      return undefined;
    } catch (error) {
      return this.#end(item, error);
    }
  }

  release(item: ClaimedItem, afterMs: number): Promise<void> {
    return this.#deps.store.release(this.#deps.lane, item, afterMs);
  }

  pause(code: string | undefined, pauseMs: number): Promise<void> {
    return this.#deps.store.notePause(this.#deps.lane, code, pauseMs);
  }

  end(): Promise<void> {
    return this.#deps.store.releaseLane(this.#deps.lane);
  }

  async #end(item: ClaimedItem, error: unknown): Promise<CamErrorCode | undefined> {
    const { lane, store, onCallerPaused, onUnexpected } = this.#deps;
    const failure = failureOf(error);
    if (failure === undefined) onUnexpected(error);
    const code = failure?.code ?? "INTERNAL";
    const fate = fateOf(failure?.code);
    switch (fate) {
      case "OPEN":
        return undefined;
      case "LANE":
        return code;
      case "AGAIN":
        await store.release(lane, item, BUSY_MS);
        return undefined;
      case "ROLLOUT":
        if (await store.pause(lane.rolloutId, code, "The bulk guard paused who started or approved it.")) {
          onCallerPaused();
        }
        await store.release(lane, item, 0);
        return undefined;
      default:
        await store.settle(lane, item, {
          state: fate,
          code,
          camCode: failure?.cam?.code,
          why: failure?.message,
        });
        return undefined;
    }
  }
}

/** Gives back or ends the items of a lane that a dead process left. */
export async function recoverItems(store: RunStore, lane: LaneName): Promise<void> {
  for (const { code, ...attempt } of await store.recover(lane)) {
    if (fateOf(code) === "failed") await store.settle(lane, attempt, { state: "failed", code });
    else await store.release(lane, attempt, 0);
  }
}
