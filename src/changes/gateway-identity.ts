import { LRUCache } from "lru-cache";
import { type CallerIdentity, type CamClient, CamError, getCallerIdentity } from "../cam/index.ts";
import { type Clock, within } from "../clock.ts";
import { isUin, type Uin } from "../contract/index.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

export interface GatewayIdentityDeps {
  readonly cam: Pick<CamClient, "call" | "secretIdFor">;
  readonly clock: Clock;
  /** For one answer of CAM. */
  readonly deadlineMs: number;
  readonly observer: GatewayIdentityObserver;
}

export interface GatewayIdentityObserver {
  /** Of each key, once. */
  onKnown(identity: CallerIdentity): void;
  /** CAM does not say whose the key is, and no change is made before it does. */
  onUnknown(error: unknown): void;
}

const ASK_AGAIN_AFTER_MS = 30_000;

/** More keys than a process sees; a role has a new one every hour or so. */
const REMEMBERED_KEYS = 1_000;

/**
 * The users behind the gateway's key: whose it is, or who applied for it where it is a role's, and the account itself.
 * CAM is asked once for each key. What it said of earlier keys goes on counting: other replicas may still use them.
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
   * Whether a user is one of them. Waits for CAM's answer where the key is a new one.
   *
   * @throws CamError, GatewayError where CAM does not say, or not in time.
   */
  async has(opUin: Uin, { deadlineMs }: Pick<MfaChangeContext, "deadlineMs">): Promise<boolean> {
    await this.#learn(deadlineMs);
    return this.knows(opUin);
  }

  /** Whether a user is one of them as far as CAM has said. */
  knows(opUin: Uin): boolean {
    return this.#uins.has(opUin);
  }

  /** Asks ahead of the first change, until CAM answers, so that a wrong key shows at start-up. */
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
      // A change that joins another's question keeps its own deadline.
      await within(clock, deadlineMs - clock.monotonic(), this.#askOnce(secretId), () => {
        throw new CamError({ kind: "TIMEOUT", action: getCallerIdentity.name, attempts: 1 });
      });
    }
  }

  /** However many changes wait, CAM is asked once; a failure is kept for nobody who comes later. */
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
    // The key may have changed meanwhile, and then it is unknown which of them this is about.
    if ((await cam.secretIdFor(getCallerIdentity, deadlineMs)) !== secretId) return;
    for (const uin of uinsOf(output)) this.#uins.add(uin);
    this.#knownKeys.set(secretId, true);
    observer.onKnown(output);
  }
}

/**
 * A key of the account's own has the account as its principal, a role's has who applied for it.
 *
 * @throws CamError BAD_RESPONSE where one of both is not said: nobody would be protected then.
 */
export function uinsOf({ accountId, principalId }: CallerIdentity): readonly Uin[] {
  if (!isUin(accountId) || !isUin(principalId)) {
    throw new CamError({
      kind: "BAD_RESPONSE",
      action: getCallerIdentity.name,
      attempts: 1,
      detail: "it does not say whose the key is",
    });
  }
  return [accountId, principalId];
}
