import { type Clock, within } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { isLostConnection, isUnavailable } from "../database/store-errors.ts";
import type { WindowKey } from "./slot-store.ts";

/** A statement of the quota takes milliseconds. A slot that takes this long comes too late. */
const STATEMENT_TIMEOUT_MS = 1_000;

/**
 * The timeout runs in slices. After a stall of the process, timer and answer are both due. The stall then counts as one
 * slice, and the answer wins.
 */
const TIMEOUT_SLICES = 5;

/** The pool takes a moment to notice dead connections. */
const BETWEEN_TRIES_MS = 10;
const MAX_TRIES = 3;

const PROBE_EVERY_MS = 500;

/**
 * The successful probes in a row that end the first, second, third and every further outage within OUTAGE_MEMORY_MS. A
 * store may pass the probes and still fail calls. So the gateway tries it a few times, and then rarely.
 */
const PROBES_NEEDED = [1, 4, 20, 60] as const;
const OUTAGE_MEMORY_MS = 300_000;

/**
 * After an outage the rows may be missing, and they lack the calls that replicas made without them. So a replica waits
 * for a whole window, and for the next probe of the other replicas, which may notice the end later.
 */
const SETTLING_MS = 1_100 + PROBE_EVERY_MS;

interface StoreHealthDeps {
  readonly clock: Clock;
  /** Does everything that taking a slot needs. Rejects while the store cannot do it. */
  readonly probe: (key: WindowKey) => Promise<unknown>;
  readonly onUnavailable: (cause: unknown) => void;
  readonly onRecovered: (outageMs: number) => void;
}

/** A time in which the store cannot be used. */
interface Outage {
  readonly sinceMs: number;
  readonly cause: unknown;
  readonly ended: AbortController;
  /** The window whose statement failed. The probe uses the same one. */
  readonly key: WindowKey;
}

/** Decides whether the store of the shared windows can be used. A store can answer and give no slots. */
export class StoreHealth {
  readonly #deps: StoreHealthDeps;
  #outage: Outage | undefined;
  #slotsFromMs = Number.NEGATIVE_INFINITY;
  /** The times at which recent outages began, in order. */
  #outagesMs: readonly number[] = [];
  #cancelProbe: (() => void) | undefined;
  #closed = false;

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps;
  }

  /** The present outage, whose `ended` aborts when it ends; undefined while the store is available. */
  get outage():
    | { readonly sinceMs: number; readonly ended: AbortSignal; readonly cause: unknown }
    | undefined {
    return this.#outage && { ...this.#outage, ended: this.#outage.ended.signal };
  }

  /** The monotonic time before which no slot may be taken. */
  get slotsFromMs(): number {
    return this.#slotsFromMs;
  }

  /**
   * Runs a statement about a window. Runs it up to twice more if its connection was lost, because a connection that
   * died while idle fails at its first use.
   * @throws GatewayError STORE_UNAVAILABLE, which begins an outage. Errors that do not come from the store pass
   *   through.
   */
  async run<Result>(key: WindowKey, statement: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#withTimeout(statement());
      } catch (cause) {
        if (!isUnavailable(cause)) throw cause;
        if (tries === MAX_TRIES || cause instanceof StatementTimeout || !isLostConnection(cause)) {
          this.#beginOutage(key, cause);
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

  #beginOutage(key: WindowKey, cause: unknown): void {
    const { clock, onUnavailable } = this.#deps;
    if (this.#outage !== undefined) return;
    const nowMs = clock.monotonic();
    this.#outage = { sinceMs: nowMs, cause, ended: new AbortController(), key };
    this.#outagesMs = [...this.#outagesMs.filter((lostMs) => lostMs > nowMs - OUTAGE_MEMORY_MS), nowMs];
    onUnavailable(cause);
    this.#probeLater(PROBES_NEEDED[Math.min(this.#outagesMs.length, PROBES_NEEDED.length) - 1] ?? 1);
  }

  /** @param needed The successful probes in a row that end the outage. */
  #probeLater(needed: number, succeeded = 0): void {
    const key = this.#outage?.key;
    if (this.#closed || key === undefined) return;
    this.#cancelProbe = this.#deps.clock.after(PROBE_EVERY_MS, () => {
      this.#withTimeout(this.#deps.probe(key)).then(
        () => (succeeded + 1 >= needed ? this.#endOutage() : this.#probeLater(needed, succeeded + 1)),
        () => this.#probeLater(needed),
      );
    });
  }

  #endOutage(): void {
    const outage = this.#outage;
    if (outage === undefined) return;
    const { clock, onRecovered } = this.#deps;
    const nowMs = clock.monotonic();
    this.#outage = undefined;
    this.#slotsFromMs = nowMs + SETTLING_MS;
    outage.ended.abort();
    onRecovered(nowMs - outage.sinceMs);
  }

  #withTimeout<Result>(statement: Promise<Result>, slices: number = TIMEOUT_SLICES): Promise<Result> {
    return within(this.#deps.clock, STATEMENT_TIMEOUT_MS / TIMEOUT_SLICES, statement, () => {
      if (slices === 1) throw new StatementTimeout();
      return this.#withTimeout(statement, slices - 1);
    });
  }
}

class StatementTimeout extends Error {
  override readonly name = "StatementTimeout";

  constructor() {
    super(`The store did not answer within ${STATEMENT_TIMEOUT_MS} ms.`);
  }
}
