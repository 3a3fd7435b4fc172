import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { isUnavailable } from "../database/is-unavailable.ts";

/** A statement of the quota takes milliseconds; one that takes so long will not help anybody in time. */
const STATEMENT_TIMEOUT_MS = 1_000;

/** The pool needs a moment to find out which of its connections are dead. */
const BETWEEN_TRIES_MS = 10;
const MOST_TRIES = 3;

const PROBE_EVERY_MS = 500;

/**
 * After the store was away its rows may be gone, and calls have gone past them: those of a window ago, and those of
 * other replicas that find the store only by their next probe.
 */
const SETTLING_MS = 1_100 + PROBE_EVERY_MS;

export interface StoreHealthDeps {
  readonly clock: Clock;
  /** Rejects while the store is away. */
  readonly ping: () => Promise<unknown>;
  readonly onAway: (cause: unknown) => void;
  readonly onBack: (awayMs: number) => void;
}

/** Whether the store of the shared windows can be had. */
export class StoreHealth {
  readonly #deps: StoreHealthDeps;
  #away: { readonly sinceMs: number; readonly cause: unknown; readonly back: AbortController } | undefined;
  #usableFromMs = Number.NEGATIVE_INFINITY;
  #cancelProbe: (() => void) | undefined;
  #closed = false;

  constructor(deps: StoreHealthDeps) {
    this.#deps = deps;
  }

  /** Aborts when the store is back; undefined while it is there. */
  get away(): { readonly back: AbortSignal; readonly cause: unknown } | undefined {
    return this.#away && { back: this.#away.back.signal, cause: this.#away.cause };
  }

  /** Monotonic time before which the shared windows are not to be used. */
  get usableFromMs(): number {
    return this.#usableFromMs;
  }

  /**
   * Runs a statement, and where it fails twice more: connections that died idle fail at first.
   * @throws GatewayError STORE_UNAVAILABLE, and the store counts as away from then on. An error that is not the
   *   store's passes through.
   */
  async run<Result>(statement: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#inTime(statement());
      } catch (cause) {
        if (!isUnavailable(cause)) throw cause;
        if (tries === MOST_TRIES || cause instanceof StatementTimeout) {
          this.#lose(cause);
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

  #lose(cause: unknown): void {
    const { clock, onAway } = this.#deps;
    if (this.#away !== undefined) return;
    this.#away = { sinceMs: clock.monotonic(), cause, back: new AbortController() };
    onAway(cause);
    this.#probeLater();
  }

  #probeLater(): void {
    if (this.#closed) return;
    this.#cancelProbe = this.#deps.clock.after(PROBE_EVERY_MS, () => {
      this.#inTime(this.#deps.ping()).then(
        () => this.#recover(),
        () => this.#probeLater(),
      );
    });
  }

  #recover(): void {
    const away = this.#away;
    if (away === undefined) return;
    const { clock, onBack } = this.#deps;
    const nowMs = clock.monotonic();
    this.#away = undefined;
    this.#usableFromMs = nowMs + SETTLING_MS;
    away.back.abort();
    onBack(nowMs - away.sinceMs);
  }

  #inTime<Result>(statement: Promise<Result>): Promise<Result> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const cancel = this.#deps.clock.after(STATEMENT_TIMEOUT_MS, () => reject(new StatementTimeout()));
    return Promise.race([statement, timeout]).finally(cancel);
  }
}

class StatementTimeout extends Error {
  override readonly name = "StatementTimeout";

  constructor() {
    super(`The store did not answer within ${STATEMENT_TIMEOUT_MS} ms.`);
  }
}
