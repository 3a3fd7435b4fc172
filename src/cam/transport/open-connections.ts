import type { Dispatcher } from "undici";

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
