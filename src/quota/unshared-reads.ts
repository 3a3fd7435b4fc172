import type { RateRequest, RateSlot } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { LocalRateBudget } from "./local-rate-budget.ts";
import { GUARD_MS } from "./slot-store.ts";
import type { StoreHealth } from "./store-health.ts";

export interface UnsharedReadsDeps {
  readonly clock: Clock;
  readonly local: LocalRateBudget;
  readonly health: StoreHealth;
}

/** The calls of one window while its store is away: reads go on at this replica's own slow rate, writes do not. */
export class UnsharedReads {
  readonly #deps: UnsharedReadsDeps;
  #inWindowUntilMs = Number.NEGATIVE_INFINITY;

  constructor(deps: UnsharedReadsDeps) {
    this.#deps = deps;
  }

  /** Until then the shared window may hold calls that it does not know of. */
  get inWindowUntilMs(): number {
    return this.#inWindowUntilMs;
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
      return this.#watch(await local.take({ ...request, signal }), away.back);
    } catch (error) {
      if (away.back.aborted && !request.signal?.aborted) return undefined;
      throw error;
    }
  }

  #watch(slot: RateSlot, back: AbortSignal): RateSlot {
    return {
      waitedMs: slot.waitedMs,
      sent: () => {
        // The window is shared again, and does not know of this call.
        if (back.aborted) return false;
        this.#inWindowUntilMs = this.#deps.clock.monotonic() + 1_000 + GUARD_MS;
        return slot.sent();
      },
      settle: (outcome) => slot.settle(outcome),
    };
  }
}
