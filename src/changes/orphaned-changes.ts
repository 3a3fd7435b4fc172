import type { ChangeLog } from "../audit/change-log.ts";
import type { Clock } from "../clock.ts";
import { Poller } from "../poller.ts";

interface OrphanedChangesDeps {
  readonly log: Pick<ChangeLog, "countOrphaned">;
  /** The names of those that there are. */
  readonly accounts: readonly string[];
  readonly clock: Clock;
  readonly observer: OrphanedChangesObserver;
}

interface OrphanedChangesObserver {
  /** So many changes of an account wait for somebody who can ask its CAM. */
  onOrphaned(account: string, changes: number): void;
  onError(error: unknown): void;
}

const LOOK_EVERY_MS = 60 * 60 * 1_000;

/**
 * Tells of changes whose account is not configured any more. They are left as they are: another account's CAM knows
 * nothing of their users, and whoever has the account again finds out what became of them.
 */
export class OrphanedChanges {
  readonly #deps: OrphanedChangesDeps;
  readonly #rounds: Poller;

  constructor(deps: OrphanedChangesDeps) {
    this.#deps = deps;
    this.#rounds = new Poller(deps.clock, () => this.#look());
  }

  /** Looks now, and then once in an hour. */
  start(): void {
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #look(): Promise<number> {
    const { log, accounts, observer } = this.#deps;
    try {
      for (const [account, changes] of await log.countOrphaned(accounts))
        observer.onOrphaned(account, changes);
    } catch (error) {
      observer.onError(error);
    }
    return LOOK_EVERY_MS;
  }
}
