import { LRUCache } from "lru-cache";
import { type CallerIdentity, type CamClient, CamError, getCallerIdentity } from "../cam/index.ts";
import { type Clock, within } from "../clock.ts";
import { isUin, type Uin } from "../contract/index.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

export interface GatewayIdentityDeps {
  readonly cam: Pick<CamClient, "call" | "secretIdFor">;
  readonly clock: Clock;
  /** The time for one answer of CAM. */
  readonly deadlineMs: number;
  readonly observer: GatewayIdentityObserver;
}

export interface GatewayIdentityObserver {
  /** Called once for each key. */
  onKnown(identity: CallerIdentity): void;
  /** CAM did not report the owner of the key. The gateway makes no change before CAM does. */
  onUnknown(error: unknown): void;
}

const ASK_AGAIN_AFTER_MS = 30_000;

/** More keys than a process uses. A role gets a new key about every hour. */
const REMEMBERED_KEYS = 1_000;

/**
 * The users behind the gateway's key: its owner and the account itself. The owner of a role's key is the user who
 * applied for it. Reads them from CAM once for each key. The users of earlier keys remain, because other replicas may
 * still use those keys.
 */
export class GatewayIdentity {
  readonly #deps: GatewayIdentityDeps;
  readonly #uins = new Set<Uin>();
  readonly #knownKeys = new LRUCache<string, true>({ max: REMEMBERED_KEYS });
  readonly #asking = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(deps: GatewayIdentityDeps) {
    this.#deps = deps;
  }

  /**
   * Whether a user is one of them. Waits for CAM's answer if the key is new.
   *
   * @throws CamError, GatewayError if CAM does not report the owner in time.
   */
  async has(opUin: Uin, { deadlineMs }: Pick<MfaChangeContext, "deadlineMs">): Promise<boolean> {
    await this.#learn(deadlineMs);
    return this.knows(opUin);
  }

  /** Whether CAM has reported that a user is one of them. Does not wait. */
  knows(opUin: Uin): boolean {
    return this.#uins.has(opUin);
  }

  /** Reads the owner before the first change, and retries until CAM answers, so that a wrong key shows at start-up. */
  start(): void {
    this.#running = this.#learnAhead();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#running, ...this.#asking.values()]);
  }

  async #learnAhead(): Promise<void> {
    const { clock, deadlineMs, observer } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#learn(clock.monotonic() + deadlineMs);
        return;
      } catch (error) {
        if (!signal.aborted) observer.onUnknown(error);
      }
      await clock.sleep(ASK_AGAIN_AFTER_MS, signal).catch(() => undefined);
    }
  }

  async #learn(deadlineMs: number): Promise<void> {
    const { cam, clock } = this.#deps;
    for (;;) {
      const secretId = await cam.secretIdFor(getCallerIdentity, deadlineMs);
      if (this.#knownKeys.has(secretId)) return;
      // A change that shares the call of another change keeps its own deadline.
      await within(clock, deadlineMs - clock.monotonic(), this.#askOnce(secretId), () => {
        throw new CamError({ kind: "TIMEOUT", action: getCallerIdentity.name, attempts: 1 });
      });
    }
  }

  /** Calls CAM once for all changes that wait. Later changes do not share a failure. */
  #askOnce(secretId: string): Promise<void> {
    const underWay = this.#asking.get(secretId);
    if (underWay !== undefined) return underWay;
    const asking = this.#ask(secretId).finally(() => this.#asking.delete(secretId));
    this.#asking.set(secretId, asking);
    return asking;
  }

  async #ask(secretId: string): Promise<void> {
    const { cam, clock, observer } = this.#deps;
    const deadlineMs = clock.monotonic() + this.#deps.deadlineMs;
    const { signal } = this.#stopping;
    const { output } = await cam.call(getCallerIdentity, undefined, {
      deadlineMs,
      traceId: "own-key",
      signal,
    });
    // The key may have changed during the call. It is then unknown which key the answer is about.
    if ((await cam.secretIdFor(getCallerIdentity, deadlineMs)) !== secretId) return;
    for (const uin of uinsOf(output)) this.#uins.add(uin);
    this.#knownKeys.set(secretId, true);
    observer.onKnown(output);
  }
}

/**
 * Returns the account and the owner of a key. The principal of the account's own key is the account. That of a role's
 * key is the user who applied for it.
 *
 * @throws CamError BAD_RESPONSE if one of the two is missing, because the gateway could then protect no user.
 */
export function uinsOf({ accountId, principalId }: CallerIdentity): readonly Uin[] {
  if (!isUin(accountId) || !isUin(principalId)) {
    throw new CamError({
      kind: "BAD_RESPONSE",
      action: getCallerIdentity.name,
      attempts: 1,
      detail: "it does not name the owner of the key",
    });
  }
  return [accountId, principalId];
}
