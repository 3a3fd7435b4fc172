import { LRUCache } from "lru-cache";
import {
  type CamAction,
  type CamCallOptions,
  type CamClient,
  CamError,
  type CamResult,
  CredentialError,
  getCallerIdentity,
  type KeyOwner,
} from "../cam/index.ts";
import { type Clock, within } from "../clock.ts";
import { isUin, type Uin } from "../contract/index.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

export interface GatewayIdentityDeps {
  /** The account's name. */
  readonly name: string;
  readonly cam: Pick<CamClient, "call" | "secretIdFor">;
  readonly clock: Clock;
  /** The time for one answer of CAM. */
  readonly timeLimitMs: number;
  /** Binds the name to a main account at its first use. Returns the Uin to which the name is bound. */
  readonly bind: (accountUin: Uin) => Promise<string>;
  readonly observer: GatewayIdentityObserver;
}

export interface GatewayIdentityObserver {
  /** Called once for each key. */
  onKnown(identity: KeyOwner): void;
  /** CAM did not report the owner of the key. The gateway makes no change before CAM does. */
  onUnknown(error: unknown): void;
  /** The key belongs to another main account than the name. Called once for each such key. */
  onWrongAccount(error: WrongAccountError): void;
}

/** A key belongs to another main account than the name of its account. The gateway does not use it. */
export class WrongAccountError extends CredentialError {
  constructor(name: string, boundUin: string, keyUin: Uin) {
    super(
      `The account ${name} is bound to the main account ${boundUin}, and its key belongs to ${keyUin}. Give it a key ` +
        `of ${boundUin}, or give ${keyUin} another name. docs/operators/accounts.md says how to bind a name again.`,
    );
  }
}

const RETRY_AFTER_MS = 30_000;

/** Enough for all keys that a process uses. A role gets a new key about every hour. */
const REMEMBERED_KEYS = 1_000;

/**
 * The users behind the gateway's key: its owner and the account itself. The owner of a role's key is the user who
 * applied for it. Reads them from CAM once for each key. The users of earlier keys remain, because other replicas may
 * still use those keys.
 *
 * Refuses a key of another main account than the one to which the account's name is bound.
 */
export class GatewayIdentity {
  readonly #deps: GatewayIdentityDeps;
  readonly #uins = new Set<Uin>();
  readonly #knownKeys = new LRUCache<string, true>({ max: REMEMBERED_KEYS });
  readonly #loading = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #boundUin: string | undefined;
  #refusedKey: string | undefined;

  constructor(deps: GatewayIdentityDeps) {
    this.#deps = deps;
  }

  /**
   * Whether a user is the account itself or the owner of a key. Waits for CAM's answer if the key is new.
   *
   * @throws CamError, GatewayError if CAM does not report the owner in time.
   */
  async has(opUin: Uin, { deadlineMs }: Pick<MfaChangeContext, "deadlineMs">): Promise<boolean> {
    await this.requireOwnKey(deadlineMs);
    return this.knows(opUin);
  }

  /**
   * Resolves if the key belongs to the account of this name. Waits for CAM's answer if the key is new.
   *
   * @throws CamError NO_CREDENTIAL, caused by WrongAccountError, for a key of another account. CamError, GatewayError if CAM
   *   does not report the owner in time.
   */
  async requireOwnKey(deadlineMs: number): Promise<void> {
    const { cam, clock } = this.#deps;
    for (;;) {
      const secretId = await cam.secretIdFor(getCallerIdentity, deadlineMs);
      if (this.#knownKeys.has(secretId)) return;
      // A change that shares the call of another change keeps its own deadline.
      await within(clock, deadlineMs - clock.monotonic(), this.#loadOnce(secretId), () => {
        throw new CamError({ kind: "TIMEOUT", action: getCallerIdentity.name, attempts: 1 });
      });
    }
  }

  /** Whether CAM has reported a user as the account itself or as the owner of a key. Does not wait. */
  knows(opUin: Uin): boolean {
    return this.#uins.has(opUin);
  }

  /**
   * Reads the owner before the first call, and retries until CAM answers, so that a wrong key shows at start-up.
   * @returns the error of the first attempt, or undefined.
   */
  start(): Promise<unknown> {
    const first = Promise.withResolvers<unknown>();
    this.#running = this.#loadInBackground(first.resolve);
    return first.promise;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#running, ...this.#loading.values()]);
  }

  async #loadInBackground(onAttempt: (error?: unknown) => void): Promise<void> {
    const { clock, timeLimitMs, observer } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.requireOwnKey(clock.monotonic() + timeLimitMs);
        onAttempt();
        return;
      } catch (error) {
        if (!signal.aborted && !isOfWrongAccount(error)) observer.onUnknown(error);
        onAttempt(error);
      }
      await clock.sleep(RETRY_AFTER_MS, signal).catch(() => undefined);
    }
  }

  /** Calls CAM once for all changes that wait. Later changes do not share a failure. */
  #loadOnce(secretId: string): Promise<void> {
    const inFlight = this.#loading.get(secretId);
    if (inFlight !== undefined) return inFlight;
    const loading = this.#load(secretId).finally(() => this.#loading.delete(secretId));
    this.#loading.set(secretId, loading);
    return loading;
  }

  async #load(secretId: string): Promise<void> {
    const { cam, clock, observer } = this.#deps;
    const deadlineMs = clock.monotonic() + this.#deps.timeLimitMs;
    const { signal } = this.#stopping;
    const { output } = await cam.call(getCallerIdentity, undefined, {
      deadlineMs,
      traceId: "own-key",
      signal,
    });
    // The key may have changed during the call. It is then unknown which key the answer is about.
    if ((await cam.secretIdFor(getCallerIdentity, deadlineMs)) !== secretId) return;
    const [accountUin, ownerUin] = uinsOf(output);
    await this.#requireBound(accountUin, secretId);
    this.#uins.add(accountUin).add(ownerUin);
    this.#knownKeys.set(secretId, true);
    observer.onKnown(output);
  }

  async #requireBound(accountUin: Uin, secretId: string): Promise<void> {
    const { name, bind, observer } = this.#deps;
    // An operator may have bound the name again.
    if (this.#boundUin !== accountUin) this.#boundUin = await bind(accountUin);
    if (this.#boundUin === accountUin) return;
    const cause = new WrongAccountError(name, this.#boundUin, accountUin);
    if (this.#refusedKey !== secretId) observer.onWrongAccount(cause);
    this.#refusedKey = secretId;
    throw new CamError({ kind: "NO_CREDENTIAL", action: getCallerIdentity.name, attempts: 1, cause });
  }
}

/** Returns a client that makes no call with a key of another main account. */
export function withOwnKeys(cam: CamClient, gatewayIdentity: GatewayIdentity): Pick<CamClient, "call"> {
  return {
    async call<Input, Output>(
      action: CamAction<Input, Output>,
      input: Input,
      options: CamCallOptions,
    ): Promise<CamResult<Output>> {
      await gatewayIdentity.requireOwnKey(options.deadlineMs);
      return cam.call(action, input, options);
    },
  };
}

/** Returns whether a call failed because its key belongs to another main account. */
export function isOfWrongAccount(error: unknown): error is CamError & { readonly cause: WrongAccountError } {
  return error instanceof CamError && error.cause instanceof WrongAccountError;
}

/**
 * Returns the account and the owner of a key. The principal of the account's own key is the account. That of a role's
 * key is the user who applied for it.
 *
 * @throws CamError BAD_RESPONSE if one of the two is missing, because the gateway could then protect no user.
 */
export function uinsOf({ accountId, principalId }: KeyOwner): readonly [account: Uin, owner: Uin] {
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
