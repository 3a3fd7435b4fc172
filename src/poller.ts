import type { Clock } from "./clock.ts";

/** Runs a task in a loop until stopped. */
export class Poller {
  readonly #clock: Clock;
  readonly #task: () => Promise<number>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param task Handles its own errors and resolves to the milliseconds until its next run. */
  constructor(clock: Clock, task: () => Promise<number>) {
    this.#clock = clock;
    this.#task = task;
  }

  start(delayMs = 0): void {
    this.#running = this.#run(delayMs);
  }

  /** Resolves when the task has stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    for (let restMs = delayMs; ; restMs = await this.#task()) {
      if (restMs > 0) await this.#clock.sleep(restMs, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }
}
