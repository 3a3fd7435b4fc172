import { randomUUID } from "node:crypto";
import type { SafeAuthFlags } from "../cam/index.ts";
import type { ChangeAccount } from "../changes/change-access.ts";
import { failureOf } from "../changes/failure.ts";
import type { Clock } from "../clock.ts";
import type { CamErrorCode } from "../contract/index.ts";
import { recoverItems } from "./change-work.ts";
import { effectOfFailure } from "./failure-effect.ts";
import type { LaneKey, LaneWork } from "./lane-runner.ts";
import { digestOfItems } from "./proof/rollout-seal.ts";
import type { ReadBackStore, UnreadItem } from "./read-back-store.ts";
import type { RolloutStore } from "./rollout-store.ts";
import type { RunStore } from "./run-store.ts";

interface ReadBackWorkDeps {
  readonly lane: LaneKey;
  readonly account: Pick<ChangeAccount, "mfaFlags">;
  readonly readBackStore: ReadBackStore;
  readonly runStore: RunStore;
  readonly clock: Clock;
  /** The time for one read. */
  readonly timeLimitMs: number;
}

/** The time that the lease of a read adds to its deadline. */
const LEASE_GRACE_MS = 5_000;

/** Reads every attempted user of an account once more after a run. */
export class ReadBackWork implements LaneWork<UnreadItem> {
  readonly #deps: ReadBackWorkDeps;

  constructor(deps: ReadBackWorkDeps) {
    this.#deps = deps;
  }

  async claim(limit: number) {
    const { lane, runStore, readBackStore, timeLimitMs } = this.#deps;
    // A process may have died between the refusal of a change and the end of its item.
    await recoverItems(runStore, lane);
    return readBackStore.claim(lane, limit, timeLimitMs + LEASE_GRACE_MS);
  }

  async run(item: UnreadItem): Promise<CamErrorCode | undefined> {
    const { account, clock, lane, readBackStore, timeLimitMs } = this.#deps;
    const startedMs = clock.monotonic();
    const save = (after: SafeAuthFlags | undefined) =>
      readBackStore.save(lane, item, after, clock.monotonic() - startedMs);
    try {
      const { output } = await account.mfaFlags.readAtBulkPriority(
        item.opUin,
        randomUUID(),
        startedMs + timeLimitMs,
      );
      await save(output);
      return undefined;
    } catch (error) {
      const code = failureOf(error)?.code ?? "INTERNAL";
      if (effectOfFailure(code) === "LANE") return code;
      // The user may have been deleted since.
      await save(undefined);
      return undefined;
    }
  }

  release(item: UnreadItem, afterMs: number): Promise<void> {
    return this.#deps.readBackStore.release(this.#deps.lane, item, afterMs);
  }

  pause(code: CamErrorCode | undefined, pauseMs: number): Promise<void> {
    return this.#deps.runStore.recordLanePause(this.#deps.lane, code, pauseMs);
  }

  end(): Promise<void> {
    return this.#deps.runStore.releaseLane(this.#deps.lane);
  }
}

/** Seals the ends of runs whose users are all read. Returns the ids of those that this process sealed. */
export async function sealRuns(store: ReadBackStore, rollouts: RolloutStore): Promise<readonly string[]> {
  const sealed: string[] = [];
  for (const id of await store.unsealed()) {
    if (await store.seal(id, await digestOfItems(rollouts, id))) sealed.push(id);
  }
  return sealed;
}
