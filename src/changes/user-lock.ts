import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { FairQueue } from "../fair-queue.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

/** A user of an account. A request for another account may name the same Uin. */
export interface AccountUser {
  readonly account: string;
  readonly opUin: Uin;
}

/** The limit of waiting changes of one user and one caller in this process. */
const MAX_OF_CALLER = 5;

/** The limit of waiting changes of one user in this process. */
const MAX_OF_USER = 20;

/** The changes that wait for the lock of a user. */
interface UserQueue {
  readonly waiting: FairQueue<WaitingChange>;
  /** The caller whose change holds the lock. */
  holder: string;
}

interface WaitingChange {
  readonly caller: string;
  readonly grant: () => void;
  readonly refuse: () => void;
}

/**
 * A lock for each user, so that one change of a user runs at a time. A change writes back what it read of the user, so
 * two parallel changes would undo each other. Callers who wait for the same user take turns.
 */
export class UserLock {
  readonly #clock: Clock;
  readonly #queues = new Map<string, UserQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits for the lock of the user.
   *
   * @returns Releases the lock. Call it once.
   * @throws GatewayError CHANGE_IN_PROGRESS at the deadline, or immediately if too many changes of this user wait.
   */
  async acquire(
    user: AccountUser,
    { caller: { subject, issuer }, deadlineMs }: Pick<MfaChangeContext, "caller" | "deadlineMs">,
  ): Promise<() => void> {
    const key = keyOf(user);
    const caller = JSON.stringify([issuer, subject]);
    const busy = this.#queues.get(key);
    if (busy === undefined) this.#queues.set(key, { waiting: new FairQueue(), holder: caller });
    else await this.#wait(busy, caller, user.opUin, deadlineMs);
    return () => this.#release(key);
  }

  async #wait({ waiting }: UserQueue, caller: string, opUin: Uin, deadlineMs: number): Promise<void> {
    if (!makeRoom(waiting, caller)) throw new GatewayError("CHANGE_IN_PROGRESS", { opUin });
    const { promise, resolve: grant, reject } = Promise.withResolvers<void>();
    const refuse = (): void => reject(new GatewayError("CHANGE_IN_PROGRESS", { opUin }));
    const change = { caller, grant, refuse };
    waiting.push(caller, change);
    const cancel = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonic()), () => {
      if (waiting.remove(caller, change)) refuse();
    });
    await promise.finally(cancel);
  }

  #release(key: string): void {
    const queue = this.#queues.get(key);
    const next = queue?.waiting.shift(({ caller }) => caller !== queue.holder) ?? queue?.waiting.shift();
    if (queue === undefined || next === undefined) {
      this.#queues.delete(key);
      return;
    }
    queue.holder = next.caller;
    next.grant();
  }
}

/** Returns whether the caller may wait. In a full queue, drops the last change of a caller who has more waiting. */
function makeRoom(waiting: FairQueue<WaitingChange>, caller: string): boolean {
  const own = waiting.lengthOf(caller);
  if (own >= MAX_OF_CALLER) return false;
  if (waiting.size < MAX_OF_USER) return true;
  const dropped = waiting.dropBeyond(own + 1);
  dropped?.refuse();
  return dropped !== undefined;
}

/** Returns a key that no user of another account shares. */
export function keyOf({ account, opUin }: AccountUser): string {
  return `${account}/${opUin}`;
}
