import type { RateBudget, RateRequest, RateSlot } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { RateQueue } from "./rate-queue.ts";

export interface LocalRateBudgetDeps {
  readonly clock: Clock;
  /** Calls of one action and key that may arrive at CAM in any second. */
  readonly ratePerSecond: number;
  /** When others may have filled all windows that begin here; undefined where they are empty. */
  readonly fullAtMs?: number;
}

/**
 * Keeps this process under CAM's limit. CAM counts for each action and calling key, so each pair has a queue
 * of its own. Replicas do not know of each other here.
 */
export class LocalRateBudget implements RateBudget {
  readonly #deps: LocalRateBudgetDeps;
  readonly #queues = new Map<string, RateQueue>();

  constructor(deps: LocalRateBudgetDeps) {
    this.#deps = deps;
  }

  take(request: RateRequest): Promise<RateSlot> {
    return this.#queueOf(request).take(request);
  }

  /** How one action and key stands to the limit. */
  look(of: Pick<RateRequest, "action" | "secretId">): ReturnType<RateQueue["look"]> {
    return this.#queueOf(of).look();
  }

  #queueOf({ secretId, action }: Pick<RateRequest, "action" | "secretId">): RateQueue {
    const key = `${secretId}/${action}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new RateQueue(this.#deps);
      this.#queues.set(key, queue);
    }
    return queue;
  }
}
