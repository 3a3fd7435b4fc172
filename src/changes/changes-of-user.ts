/**
 * The state of one user's changes in this process: the lock of the change in progress, and the recent writes that a
 * read from CAM may not show yet.
 */

import { LRUCache } from "lru-cache";
import type { RecentWrite } from "../audit/change-record.ts";
import type { Protection } from "../auth/policy/policy.ts";
import {
  type MfaFlagSet,
  type MfaFlagState,
  matchesFlagSet,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  WRITABLE_METHODS,
} from "../cam/index.ts";
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
 * A lock for each user, so that this process makes one change of a user at a time. A change writes back what it read of
 * the user, so two parallel changes would undo each other. Callers who wait for the same user take turns.
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

/** The time after a write in which CAM may still show the state from before it. */
export const STALE_READ_MS = 60_000;

/** Enough for all users that change within a few minutes. */
const REMEMBERED_USERS = 10_000;

interface Remembered {
  readonly lastSettleOrder: number;
  readonly writes: readonly (KnownWrite & { readonly changeId: string; readonly atMs: number })[];
}

/** The recent writes of a user that a process remembers. */
export interface RecentKnowledge {
  /** The `settleOrder` of the latest remembered write, regardless of its age. */
  readonly lastSettleOrder: number | undefined;
  /** The writes that a read may not show yet, in the order in which CAM received them. */
  readonly writes: readonly KnownWrite[];
}

/**
 * A cache of the recent writes of users: those of this process, and those of other replicas that it fetched from the
 * record. begin_change reports if other writes exist, so most changes do not fetch them.
 */
export class RecentWrites {
  readonly #clock: Clock;
  readonly #users = new LRUCache<string, Remembered>({ max: REMEMBERED_USERS });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the writes that a read may not show. @param readAgeMs The time since the read began. */
  of(user: AccountUser, readAgeMs = 0): RecentKnowledge {
    const remembered = this.#users.get(keyOf(user));
    const sinceMs = this.#clock.monotonic() - readAgeMs - STALE_READ_MS;
    return {
      lastSettleOrder: remembered?.lastSettleOrder,
      writes: remembered?.writes.filter(({ atMs }) => atMs > sinceMs) ?? [],
    };
  }

  /** Adds a settled change of this process, in the order of settlement. */
  add(
    user: AccountUser,
    write: KnownWrite & { readonly changeId: string; readonly settleOrder: number },
  ): void {
    const { settleOrder, ...rest } = write;
    this.#remember(user, settleOrder, [...this.#recent(user), { ...rest, atMs: this.#clock.monotonic() }]);
  }

  /** Replaces the remembered writes with those of the record. */
  replace(user: AccountUser, fetched: readonly RecentWrite[]): void {
    const nowMs = this.#clock.monotonic();
    const lastSettleOrder = Math.max(0, ...fetched.map(({ settleOrder }) => settleOrder));
    const writes = fetched.map(({ changeId, status, finishedAt, before, sent, ageMs }) => ({
      ...{ changeId, status, finishedAt, atMs: nowMs - Math.max(0, ageMs) },
      // ChangeRecorder wrote these two.
      before: before as KnownWrite["before"],
      sent: sent as KnownWrite["sent"],
    }));
    this.#remember(user, lastSettleOrder, writes);
  }

  /** Forgets the writes of a user, because others may exist. If the record has any, the next change fetches them. */
  forget(user: AccountUser): void {
    this.#users.delete(keyOf(user));
  }

  #recent(user: AccountUser): Remembered["writes"] {
    const sinceMs = this.#clock.monotonic() - STALE_READ_MS;
    return this.#users.get(keyOf(user))?.writes.filter(({ atMs }) => atMs > sinceMs) ?? [];
  }

  #remember(user: AccountUser, lastSettleOrder: number, writes: Remembered["writes"]): void {
    this.#users.set(keyOf(user), { lastSettleOrder, writes });
  }
}

/** CAM: the state that CAM showed. GATEWAY: a recent write of the gateway replaces a part of that state. */
export type KnowledgeSource = "CAM" | "GATEWAY";

/** A user's protections, with their source. */
export interface KnownFlags extends SafeAuthFlags {
  readonly source: KnowledgeSource;
  /** The time when the read began, or when the gateway's latest write got its outcome: ISO 8601, in UTC. */
  readonly asOf: string;
}

/** A user as CAM showed them. */
export interface Reading extends SafeAuthFlags {
  readonly asOf: string;
}

/** The parts of a write on record that ChangeRecorder wrote. */
export type KnownWrite = Pick<RecentWrite, "status" | "finishedAt"> & {
  readonly before: SafeAuthFlags;
  readonly sent: Partial<SetMfaFlagInput>;
};

const PROTECTIONS: readonly Protection[] = ["login", "action"];

/**
 * Returns a read combined with the gateway's recent applied writes, which CAM may not show yet. Each flag that a write
 * changed has the value of the last write that changed it.
 *
 * @param writes In the order in which CAM received them.
 */
export function withRecentWrites(reading: Reading, writes: readonly KnownWrite[]): KnownFlags {
  let { login, action } = reading;
  let latest: Date | undefined;
  for (const write of writes) {
    if (write.status !== "applied") continue;
    const changed = { login: changesOf(write, "login"), action: changesOf(write, "action") };
    if (Object.keys(changed.login).length + Object.keys(changed.action).length === 0) continue;
    latest = write.finishedAt;
    login = { ...login, ...changed.login };
    action = { ...action, ...changed.action };
  }
  const isOurs = PROTECTIONS.some((protection) => {
    const flags = protection === "login" ? login : action;
    return WRITABLE_METHODS.some((method) => flags[method] !== reading[protection][method]);
  });
  if (latest === undefined || !isOurs) return { login, action, source: "CAM", asOf: reading.asOf };
  return { login, action, source: "GATEWAY", asOf: latest.toISOString() };
}

/** Returns the writes after the last applied one. Their flag sets may be in force, or take effect later. */
export function unresolvedWrites(writes: readonly KnownWrite[]): readonly KnownWrite[] {
  const lastApplied = writes.findLastIndex(({ status }) => status === "applied");
  return writes.slice(lastApplied + 1);
}

/** Returns the user's state if a write of unknown outcome takes effect. */
export function stateAfter(before: SafeAuthFlags, { sent }: KnownWrite): SafeAuthFlags {
  return { login: { ...before.login, ...sent.login }, action: { ...before.action, ...sent.action } };
}

/**
 * Whether a read that shows `flagSets` proves nothing, because each protection in it has the same flags in some other
 * image of the user. The two protections may match different images.
 */
export function isAmbiguous(
  flagSets: Partial<SetMfaFlagInput>,
  images: readonly Partial<Record<Protection, MfaFlagSet | MfaFlagState>>[],
): boolean {
  return PROTECTIONS.every((protection) => {
    const flagSet = flagSets[protection];
    return flagSet === undefined || images.some((image) => matchesFlagSet(image[protection], flagSet));
  });
}

/** Returns the flags of a protection that a write changed, with their new values. */
function changesOf({ before, sent }: KnownWrite, protection: Protection): Partial<MfaFlagSet> {
  const flagSet = sent[protection];
  if (flagSet === undefined) return {};
  const changed = WRITABLE_METHODS.filter((method) => flagSet[method] !== before[protection]?.[method]);
  return Object.fromEntries(changed.map((method) => [method, flagSet[method]]));
}
