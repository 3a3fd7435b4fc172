import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";

/** A user of an account: the same Uin may be a user of another account, or be asked about there. */
export interface AccountUser {
  readonly account: string;
  readonly opUin: Uin;
}

/**
 * One change of a user at a time. A change writes what it read of the user, so two at once would each undo
 * what the other had just written.
 */
export class UserTurns {
  readonly #clock: Clock;
  readonly #lastTurn = new Map<string, Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `work` when the changes of this user that came before are over.
   * @throws GatewayError CHANGE_IN_PROGRESS where they are not over by the deadline; `work` is not run then.
   */
  async run<Result>(user: AccountUser, deadlineMs: number, work: () => Promise<Result>): Promise<Result> {
    const { opUin } = user;
    const key = keyOf(user);
    const before = this.#lastTurn.get(key);
    const { promise: over, resolve: finish } = Promise.withResolvers<void>();
    const turn = before === undefined ? over : before.then(() => over);
    this.#lastTurn.set(key, turn);
    try {
      if (before !== undefined) await this.#waitFor(before, opUin, deadlineMs);
      return await work();
    } finally {
      finish();
      // Not before the turn is over: whoever gave up waiting leaves the change that it waited for still at work.
      void turn.then(() => {
        if (this.#lastTurn.get(key) === turn) this.#lastTurn.delete(key);
      });
    }
  }

  async #waitFor(before: Promise<void>, opUin: Uin, deadlineMs: number): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonic()), () =>
      reject(new GatewayError("CHANGE_IN_PROGRESS", { opUin })),
    );
    try {
      await Promise.race([before, late]);
    } finally {
      cancel();
    }
  }
}

/** Tells users of all accounts apart. */
export function keyOf({ account, opUin }: AccountUser): string {
  return `${account}/${opUin}`;
}
