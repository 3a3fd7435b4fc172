import type { Dispatcher } from "undici";
import type { Clock } from "../../clock.ts";

/** A second's worth of calls: more never start together. */
const MOST_AHEAD = 20;

/** Whoever waits longer for a connection had better go on and meet whatever is wrong itself. */
const LONGEST_WAIT_MS = 1_000;

/** What makes undici wait a microtask with a request, so that those of one tick go to a connection each. */
const NO_BODY: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/**
 * Opens connections before they are needed. A slot of the quota is for a moment, and opening a connection takes
 * longer. undici has no call for it, but it opens a connection for a request and keeps it where the request then
 * throws before anything is written.
 */
export class ConnectionOpener {
  readonly #dispatcher: Dispatcher;
  readonly #connections: OpenConnections;
  readonly #clock: Clock;
  /** Calls for which a connection should be free, by origin. */
  readonly #waiting = new Map<string, number>();
  readonly #opening = new Map<string, Set<Promise<void>>>();

  constructor(dispatcher: Dispatcher, connections: OpenConnections, clock: Clock) {
    this.#dispatcher = dispatcher;
    this.#connections = connections;
    this.#clock = clock;
  }

  /**
   * Resolves when a connection is free for one more call, or cannot be had soon. It is kept for that call until
   * the function is called.
   */
  async openOne(origin: string, withinMs: number): Promise<() => void> {
    this.#count(origin, 1);
    const opening = this.#openingTo(origin);
    const free = this.#connections.free(origin);
    const missing = Math.min(MOST_AHEAD, this.#waiting.get(origin) ?? 0) - free - opening.size;
    // The free ones are asked first, so it takes as many requests more to reach those that are to be opened.
    if (missing > 0) for (let request = 0; request < free + missing; request++) this.#open(origin);
    if (free === 0 || missing > 0) await this.#inTime([...opening], withinMs);
    let isOver = false;
    return () => {
      if (!isOver) this.#count(origin, -1);
      isOver = true;
    };
  }

  #open(origin: string): void {
    const opening = this.#openingTo(origin);
    const { promise, resolve } = Promise.withResolvers<void>();
    opening.add(promise);
    const done = (): void => {
      opening.delete(promise);
      resolve();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {
        done();
        throw new Error("Only the connection was wanted.");
      },
      onResponseStart: () => undefined,
      onResponseData: () => undefined,
      onResponseEnd: done,
      onResponseError: done,
    };
    try {
      this.#dispatcher.dispatch({ origin, path: "/", method: "POST", body: NO_BODY as never }, handler);
    } catch {
      done();
    }
  }

  #openingTo(origin: string): Set<Promise<void>> {
    const opening = this.#opening.get(origin) ?? new Set();
    this.#opening.set(origin, opening);
    return opening;
  }

  #count(origin: string, change: number): void {
    this.#waiting.set(origin, (this.#waiting.get(origin) ?? 0) + change);
  }

  async #inTime(opening: readonly Promise<void>[], withinMs: number): Promise<void> {
    if (opening.length === 0) return;
    const { promise: timeout, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(Math.max(0, Math.min(withinMs, LONGEST_WAIT_MS)), resolve);
    await Promise.race([Promise.all(opening), timeout]);
    cancel();
  }
}

/**
 * How many connections are open to an origin, and how many of those are in use. undici's `stats` say the same, but go
 * through all connections of all origins to do so.
 */
export class OpenConnections {
  readonly #open = new Map<string, number>();
  readonly #used = new Map<string, number>();

  constructor(dispatcher: Dispatcher) {
    dispatcher.on("connect", ({ origin }) => add(this.#open, origin, 1));
    dispatcher.on("disconnect", ({ origin }) => add(this.#open, origin, -1));
  }

  /** A request is about to use one; call the function when it no longer does. */
  use(origin: string): () => void {
    add(this.#used, origin, 1);
    return () => add(this.#used, origin, -1);
  }

  /** Open, and with nothing to carry. A dispatcher that does not tell of its connections seems to have none. */
  free(origin: string): number {
    return Math.max(0, (this.#open.get(origin) ?? 0) - (this.#used.get(origin) ?? 0));
  }
}

function add(counts: Map<string, number>, origin: string, change: number): void {
  counts.set(origin, (counts.get(origin) ?? 0) + change);
}
