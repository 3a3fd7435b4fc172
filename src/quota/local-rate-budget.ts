import type { RateBudget, RateRequest, RateSlot } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { RateQueue } from "./rate-queue.ts";

export interface LocalRateBudgetDeps {
  readonly clock: Clock;
  /** Calls of one action and key that may arrive at CAM in any second. */
  readonly callsPerSecond: number;
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
    const key = `${request.secretId}/${request.action}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new RateQueue(this.#deps);
      this.#queues.set(key, queue);
    }
    return queue.take(request);
  }
}
