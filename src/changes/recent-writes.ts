import { LRUCache } from "lru-cache";
import type { RecentWrite } from "../audit/change-record.ts";
import type { Clock } from "../clock.ts";
import type { KnownWrite } from "./known-flags.ts";
import { type AccountUser, keyOf } from "./user-lock.ts";

/** For so long after a write CAM may show what was so before it. */
export const STALE_READ_MS = 60_000;

/** More users than change within minutes of each other. */
const REMEMBERED_USERS = 10_000;

interface Remembered {
  readonly known: number;
  readonly writes: readonly (KnownWrite & { readonly changeId: string; readonly atMs: number })[];
}

/** What a process knows of the recent writes of a user. */
export interface RecentKnowledge {
  /** The `settleOrder` of the latest write that is known here, of whatever age. */
  readonly known: number | undefined;
  /** Those that a read may not show yet, in the order in which CAM heard of them. */
  readonly writes: readonly KnownWrite[];
}

/**
 * The recent writes of users as far as this process knows them: its own, and those of others that it has fetched from
 * the record. The record says when there are others (begin_change), so that most changes need not ask for them.
 */
export class RecentWrites {
  readonly #clock: Clock;
  readonly #users = new LRUCache<string, Remembered>({ max: REMEMBERED_USERS });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param readAgeMs how long ago the read began. */
  of(user: AccountUser, readAgeMs = 0): RecentKnowledge {
    const remembered = this.#users.get(keyOf(user));
    const sinceMs = this.#clock.monotonic() - readAgeMs - STALE_READ_MS;
    return {
      known: remembered?.known,
      writes: remembered?.writes.filter(({ atMs }) => atMs > sinceMs) ?? [],
    };
  }

  /** A change of this process was settled, in its turn. */
  add(
    user: AccountUser,
    write: KnownWrite & { readonly changeId: string; readonly settleOrder: number },
  ): void {
    const { settleOrder, ...rest } = write;
    this.#remember(user, settleOrder, [...this.#recent(user), { ...rest, atMs: this.#clock.monotonic() }]);
  }

  /** Takes what the record says in the place of what was known. */
  replace(user: AccountUser, fetched: readonly RecentWrite[]): void {
    const nowMs = this.#clock.monotonic();
    const known = Math.max(0, ...fetched.map(({ settleOrder }) => settleOrder));
    const writes = fetched.map(({ changeId, status, finishedAt, before, sent, ageMs }) => ({
      ...{ changeId, status, finishedAt, atMs: nowMs - Math.max(0, ageMs) },
      // The runner put these two on record.
      before: before as KnownWrite["before"],
      sent: sent as KnownWrite["sent"],
    }));
    this.#remember(user, known, writes);
  }

  /** What is known here is not all: the record has to be asked. */
  forget(user: AccountUser): void {
    this.#users.delete(keyOf(user));
  }

  #recent(user: AccountUser): Remembered["writes"] {
    const sinceMs = this.#clock.monotonic() - STALE_READ_MS;
    return this.#users.get(keyOf(user))?.writes.filter(({ atMs }) => atMs > sinceMs) ?? [];
  }

  #remember(user: AccountUser, known: number, writes: Remembered["writes"]): void {
    this.#users.set(keyOf(user), { known, writes });
  }
}
