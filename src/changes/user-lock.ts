import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { FairQueue } from "../fair-queue.ts";
import type { MfaChangeContext } from "./mfa-change.ts";

/** A user of an account: the same Uin may be a user of another account, or be asked about there. */
export interface AccountUser {
  readonly account: string;
  readonly opUin: Uin;
}

/** Changes of one user that one caller may have waiting in this process, behind the one at work. */
const MAX_OF_CALLER = 5;

/** Changes of one user that may wait in this process. */
const MAX_OF_USER = 20;

/** The changes of a user of whom one is at work. */
interface UserQueue {
  readonly waiting: FairQueue<WaitingChange>;
  /** The caller whose change is at work. */
  atWork: string;
}

interface WaitingChange {
  readonly caller: string;
  readonly begin: () => void;
  readonly refuse: () => void;
}

/**
 * Runs one change of a user at a time. A change writes what it read of the user, so two at once would each undo
 * what the other had just written. Callers who wait for the same user take turns.
 */
export class UserLock {
  readonly #clock: Clock;
  readonly #queues = new Map<string, UserQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `work` when it is the turn of this change.
   * @throws GatewayError CHANGE_IN_PROGRESS where its turn does not come by the deadline, or at once where too many changes
   *   of this user wait; `work` is not run then.
   */
  async run<Result>(
    user: AccountUser,
    { caller: { subject, issuer }, deadlineMs }: Pick<MfaChangeContext, "caller" | "deadlineMs">,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const key = keyOf(user);
    const caller = JSON.stringify([issuer, subject]);
    const busy = this.#queues.get(key);
    if (busy === undefined) this.#queues.set(key, { waiting: new FairQueue(), atWork: caller });
    else await this.#wait(busy, caller, user.opUin, deadlineMs);
    try {
      return await work();
    } finally {
      this.#beginNext(key);
    }
  }

  async #wait({ waiting }: UserQueue, caller: string, opUin: Uin, deadlineMs: number): Promise<void> {
    if (!makeRoom(waiting, caller)) throw new GatewayError("CHANGE_IN_PROGRESS", { opUin });
    const { promise, resolve: begin, reject } = Promise.withResolvers<void>();
    const refuse = (): void => reject(new GatewayError("CHANGE_IN_PROGRESS", { opUin }));
    const change = { caller, begin, refuse };
    waiting.push(caller, change);
    const cancel = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonic()), () => {
      if (waiting.remove(caller, change)) refuse();
    });
    try {
      await promise;
    } finally {
      cancel();
    }
  }

  #beginNext(key: string): void {
    const queue = this.#queues.get(key);
    const next = queue?.waiting.shift(({ caller }) => caller !== queue.atWork) ?? queue?.waiting.shift();
    if (queue === undefined || next === undefined) {
      this.#queues.delete(key);
      return;
    }
    queue.atWork = next.caller;
    next.begin();
  }
}

/** Whether the caller may wait. In a full queue a caller with more changes waiting loses the last one of them. */
function makeRoom(waiting: FairQueue<WaitingChange>, caller: string): boolean {
  const own = waiting.lengthOf(caller);
  if (own >= MAX_OF_CALLER) return false;
  if (waiting.size < MAX_OF_USER) return true;
  const dropped = waiting.dropBeyond(own + 1);
  dropped?.refuse();
  return dropped !== undefined;
}

/** Tells users of all accounts apart. */
export function keyOf({ account, opUin }: AccountUser): string {
  return `${account}/${opUin}`;
}
