import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { isLostConnection, isUnavailable } from "../database/store-errors.ts";
import type { WindowKey } from "./slot-store.ts";

/** A statement of the quota takes milliseconds; one that takes so long will not help anybody in time. */
const STATEMENT_TIMEOUT_MS = 1_000;

/** A process that was busy for so long, and finds the answer and the timer at once, has not waited but for one slice. */
const TIMEOUT_SLICES = 5;

/** The pool needs a moment to find out which of its connections are dead. */
const BETWEEN_TRIES_MS = 10;
const MOST_TRIES = 3;

const PROBE_EVERY_MS = 500;

/**
 * How many probes in a row have to succeed before the store counts as back: the first time in a while one, and then more
 * each time. Where the store fails in a way that no probe sees, it changes over a few times and then rarely.
 */
const PROBES_NEEDED = [1, 4, 20, 60] as const;
const REMEMBERED_MS = 300_000;

/**
 * After the store was away its rows may be gone, and calls have gone past them: those of a window ago, and those of
 * other replicas that find the store only by their next probe.
 */
const SETTLING_MS = 1_100 + PROBE_EVERY_MS;

export interface StoreHealthDeps {
  readonly clock: Clock;
  /** Does what taking a slot of a window needs. Rejects while that cannot be done. */
  readonly probe: (key: WindowKey) => Promise<unknown>;
  readonly onUnavailable: (cause: unknown) => void;
  readonly onRecovered: (outageMs: number) => void;
}

/** One time that the store could not be used. */
interface Outage {
  readonly sinceMs: number;
  readonly cause: unknown;
  readonly back: AbortController;
  /** The window whose statement failed: the probe asks for the same. */
  readonly key: WindowKey;
}

/** Whether the store of the shared windows can be used: that it answers is not enough. */
export class StoreHealth {
  readonly #deps: StoreHealthDeps;
  #outage: Outage | undefined;
  #usableFromMs = Number.NEGATIVE_INFINITY;
  /** When the store was lost lately, the latest last. */
  #lossesMs: readonly number[] = [];
  #cancelProbe: (() => void) | undefined;
  #closed = false;

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps;
  }

  /** Aborts when the store is back; undefined while it is there. */
  get outage(): { readonly back: AbortSignal; readonly cause: unknown } | undefined {
    return this.#outage && { back: this.#outage.back.signal, cause: this.#outage.cause };
  }

  /** Monotonic time before which the shared windows are not to be used. */
  get usableFromMs(): number {
    return this.#usableFromMs;
  }

  /**
   * Runs a statement about a window. Where its connection was lost, runs it twice more: those that died idle fail at
   * first.
   * @throws GatewayError STORE_UNAVAILABLE, and the store counts as away from then on. An error that is not the
   *   store's passes through.
   */
  async run<Result>(key: WindowKey, statement: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#inTime(statement());
      } catch (cause) {
        if (!isUnavailable(cause)) throw cause;
        if (tries === MOST_TRIES || cause instanceof StatementTimeout || !isLostConnection(cause)) {
          this.#lose(key, cause);
          throw new GatewayError("STORE_UNAVAILABLE", { cause });
        }
      }
      await this.#deps.clock.sleep(BETWEEN_TRIES_MS);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelProbe?.();
  }

  #lose(key: WindowKey, cause: unknown): void {
    const { clock, onUnavailable } = this.#deps;
    if (this.#outage !== undefined) return;
    const nowMs = clock.monotonic();
    this.#outage = { sinceMs: nowMs, cause, back: new AbortController(), key };
    this.#lossesMs = [...this.#lossesMs.filter((lostMs) => lostMs > nowMs - REMEMBERED_MS), nowMs];
    onUnavailable(cause);
    this.#probeLater(PROBES_NEEDED[Math.min(this.#lossesMs.length, PROBES_NEEDED.length) - 1] ?? 1);
  }

  /** @param needed so many probes in a row have to succeed. */
  #probeLater(needed: number, succeeded = 0): void {
    const key = this.#outage?.key;
    if (this.#closed || key === undefined) return;
    this.#cancelProbe = this.#deps.clock.after(PROBE_EVERY_MS, () => {
      this.#inTime(this.#deps.probe(key)).then(
        () => (succeeded + 1 >= needed ? this.#recover() : this.#probeLater(needed, succeeded + 1)),
        () => this.#probeLater(needed),
      );
    });
  }

  #recover(): void {
    const outage = this.#outage;
    if (outage === undefined) return;
    const { clock, onRecovered } = this.#deps;
    const nowMs = clock.monotonic();
    this.#outage = undefined;
    this.#usableFromMs = nowMs + SETTLING_MS;
    outage.back.abort();
    onRecovered(nowMs - outage.sinceMs);
  }

  #inTime<Result>(statement: Promise<Result>): Promise<Result> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    let cancel: () => void;
    const wait = (slices: number): void => {
      cancel = this.#deps.clock.after(STATEMENT_TIMEOUT_MS / TIMEOUT_SLICES, () => {
        if (slices === 1) reject(new StatementTimeout());
        else wait(slices - 1);
      });
    };
    wait(TIMEOUT_SLICES);
    return Promise.race([statement, timeout]).finally(() => cancel());
  }
}

class StatementTimeout extends Error {
  override readonly name = "StatementTimeout";

  constructor() {
    super(`The store did not answer within ${STATEMENT_TIMEOUT_MS} ms.`);
  }
}
