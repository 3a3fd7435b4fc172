import type { Clock } from "../clock.ts";
import type { DatabaseClock } from "./database-clock.ts";
import type { Forecast } from "./forecast.ts";
import type { TakenSlot } from "./slot-deliveries.ts";
import type { SlotRequest, SlotStore, WindowKey } from "./slot-store.ts";
import type { StoreHealth } from "./store-health.ts";

/** Receives the events of the shared quota. Its functions must not throw. */
export interface QuotaObserver {
  /** The database answered a statement. */
  onAsked?(asked: SlotAsked): void;
  /** A call was written too late, and its slot was given up. */
  onSlotMissed?(missed: WindowKey & { readonly lateMs: number }): void;
  /** CAM throttled a call, and every replica backs off. */
  onThrottled?(throttled: WindowKey): void;
  /**
   * The database gives no slots, although it may answer. From now on reads continue slowly, and writes are refused.
   * `reason` contains the cause and the remedy.
   */
  onStoreUnavailable?(cause: unknown, reason: string): void;
  onStoreRecovered?(outageMs: number): void;
}

interface SlotAsked {
  readonly action: string;
  readonly bulk: boolean;
  readonly granted: boolean;
  /** Milliseconds from the answer to the slot, granted or not. */
  readonly aheadMs: number;
  readonly windowMs: number;
  /** Milliseconds from the question to the answer, with the wait for a connection. */
  readonly tookMs: number;
}

export interface SlotAskerDeps {
  readonly key: WindowKey;
  readonly replica: string;
  readonly ratePerSecond: number;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly store: SlotStore;
  readonly health: StoreHealth;
  readonly observer: QuotaObserver | undefined;
}

/** Asks the database for slots of one window, and keeps the data about the clock and the waits from every answer. */
export class SlotAsker {
  readonly #deps: SlotAskerDeps;
  readonly #forecast: Forecast;

  constructor(deps: SlotAskerDeps, forecast: Forecast) {
    this.#deps = deps;
    this.#forecast = forecast;
  }

  /**
   * Returns the slot, or undefined if it would lie too far ahead.
   * @throws GatewayError STORE_UNAVAILABLE
   */
  async ask(question: Omit<SlotRequest, "replica" | "ratePerSecond">): Promise<TakenSlot | undefined> {
    const { key, replica, ratePerSecond, clock, databaseClock, store, health, observer } = this.#deps;
    const askedMs = clock.monotonic();
    const answer = await health.run(key, () => store.take(key, { ...question, replica, ratePerSecond }));
    const tookMs = clock.monotonic() - askedMs;
    const { granted, slotMs, nowMs, windowMs } = answer;
    databaseClock.observe(nowMs, answer.sentMs, answer.answeredMs);
    this.#forecast.learn(answer);
    const { bulk } = question;
    observer?.onAsked?.({ action: key.action, bulk, granted, aheadMs: slotMs - nowMs, windowMs, tookMs });
    if (!granted) return undefined;
    const latestMs = databaseClock.latest(slotMs);
    return { slotMs, latestMs, earliestMs: latestMs - databaseClock.uncertaintyMs };
  }
}
