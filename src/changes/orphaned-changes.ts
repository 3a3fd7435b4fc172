import type { ChangeLog } from "../audit/change-log.ts";
import type { Clock } from "../clock.ts";
import { Poller } from "../poller.ts";

interface OrphanedChangesDeps {
  readonly log: Pick<ChangeLog, "countOrphaned">;
  /** The names of the configured accounts. */
  readonly accounts: readonly string[];
  readonly clock: Clock;
  readonly observer: OrphanedChangesObserver;
}

interface OrphanedChangesObserver {
  /** A number of changes wait for a gateway that has their account. */
  onOrphaned(account: string, changes: number): void;
  onError(error: unknown): void;
}

const LOOK_EVERY_MS = 60 * 60 * 1_000;

/**
 * Reports open changes whose account is not configured any more, and leaves them as they are. The CAM of another
 * account does not have their users. A gateway with the account again finds out their outcomes.
 */
export class OrphanedChanges {
  readonly #deps: OrphanedChangesDeps;
  readonly #poller: Poller;

  constructor(deps: OrphanedChangesDeps) {
    this.#deps = deps;
    this.#poller = new Poller(deps.clock, () => this.#look());
  }

  /** Counts them now, and then once an hour. */
  start(): void {
    this.#poller.start();
  }

  stop(): Promise<void> {
    return this.#poller.stop();
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
