import type { ChangeLog } from "../audit/change-log.ts";
import type { Clock } from "../clock.ts";

export interface LeftChangesDeps {
  readonly log: Pick<ChangeLog, "countLeft">;
  /** The names of those that there are. */
  readonly accounts: readonly string[];
  readonly clock: Clock;
  readonly observer: LeftChangesObserver;
}

export interface LeftChangesObserver {
  /** So many changes of an account wait for somebody who can ask its CAM. */
  onLeft(account: string, changes: number): void;
  onError(error: unknown): void;
}

const LOOK_EVERY_MS = 60 * 60 * 1_000;

/**
 * Tells of changes whose account is not configured any more. They are left as they are: another account's CAM knows
 * nothing of their users, and whoever has the account again finds out what became of them.
 */
export class LeftChanges {
  readonly #deps: LeftChangesDeps;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(deps: LeftChangesDeps) {
    this.#deps = deps;
  }

  /** Looks now, and then once in an hour. */
  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, accounts, clock, observer } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        for (const [account, changes] of await log.countLeft(accounts)) observer.onLeft(account, changes);
      } catch (error) {
        observer.onError(error);
      }
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }
}
