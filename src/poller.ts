import type { Clock } from "./clock.ts";

/** Does the same again and again, one round after the other, until it is stopped. */
export class Poller {
  readonly #clock: Clock;
  readonly #round: () => Promise<number>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param round Resolves to the milliseconds until the next one, and deals with its own errors. */
  constructor(clock: Clock, round: () => Promise<number>) {
    this.#clock = clock;
    this.#round = round;
  }

  /** The first round begins at once. */
  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when the round under way is over. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const restMs = await this.#round();
      if (restMs > 0) await this.#clock.sleep(restMs, signal).catch(() => undefined);
    }
  }
}
