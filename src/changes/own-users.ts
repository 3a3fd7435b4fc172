import { type CallerIdentity, type CamClient, getCallerIdentity } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import type { Uin } from "../contract/index.ts";

export interface OwnUsersDeps {
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
  /** For one answer of CAM. */
  readonly deadlineMs: number;
  readonly observer: OwnUsersObserver;
}

export interface OwnUsersObserver {
  onKnown(identity: CallerIdentity): void;
  /** CAM does not say whose the key is; it is asked again. */
  onUnknown(error: unknown): void;
}

const ASK_AGAIN_AFTER_MS = 30_000;

/** The user whose key the gateway uses, and the account's root, once CAM has said who they are. */
export class OwnUsers {
  readonly #deps: OwnUsersDeps;
  readonly #stopping = new AbortController();
  #uins: ReadonlySet<string> = new Set();
  #running: Promise<void> = Promise.resolve();

  constructor(deps: OwnUsersDeps) {
    this.#deps = deps;
  }

  /** False for everybody until CAM has answered. */
  has(opUin: Uin): boolean {
    return this.#uins.has(opUin);
  }

  /** Asks until CAM answers. */
  start(): void {
    this.#running = this.#learn();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #learn(): Promise<void> {
    const { cam, clock, deadlineMs, observer } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const options = { deadlineMs: clock.monotonic() + deadlineMs, traceId: "start-up", signal };
        const { output } = await cam.call(getCallerIdentity, undefined, options);
        this.#uins = new Set(uinsOf(output));
        observer.onKnown(output);
        return;
      } catch (error) {
        if (!signal.aborted) observer.onUnknown(error);
      }
      await clock.sleep(ASK_AGAIN_AFTER_MS, signal).catch(() => undefined);
    }
  }
}

/** The id of a role, unlike that of a user, is no Uin. */
export function uinsOf({ type, accountId, principalId }: CallerIdentity): string[] {
  return [accountId, type === "CAMRole" ? undefined : principalId].filter((uin) => uin !== undefined);
}
