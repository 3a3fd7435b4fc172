import type { RateRequest, RateSlot } from "../cam/index.ts";
import { GatewayError } from "../contract/index.ts";
import type { LocalRateBudget } from "./local-rate-budget.ts";
import type { StoreHealth } from "./store-health.ts";

export interface UnsharedReadsDeps {
  /** Of the present outage. */
  readonly local: () => LocalRateBudget;
  readonly health: StoreHealth;
}

/** The calls of one window while its store is away: reads go on at this replica's own slow rate, writes do not. */
export class UnsharedReads {
  readonly #deps: UnsharedReadsDeps;

  constructor(deps: UnsharedReadsDeps) {
    this.#deps = deps;
  }

  /**
   * @returns undefined where the store came back first.
   * @throws GatewayError STORE_UNAVAILABLE for a write; for a read as RateBudget.take.
   */
  async take(request: RateRequest): Promise<RateSlot | undefined> {
    const { health, local } = this.#deps;
    const { away } = health;
    if (away === undefined) return undefined;
    if (request.access === "write") throw new GatewayError("STORE_UNAVAILABLE", { cause: away.cause });
    const signal = request.signal === undefined ? away.back : AbortSignal.any([request.signal, away.back]);
    try {
      return unlessBack(await local().take({ ...request, signal }), away.back);
    } catch (error) {
      if (away.back.aborted && !request.signal?.aborted) return undefined;
      throw error;
    }
  }
}

/** What would go out when the window is shared again, which does not know of it, takes another slot. */
function unlessBack(slot: RateSlot, back: AbortSignal): RateSlot {
  return {
    waitedMs: slot.waitedMs,
    sent: () => !back.aborted && slot.sent(),
    settle: (outcome) => slot.settle(outcome),
  };
}
