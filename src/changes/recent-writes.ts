import { LRUCache } from "lru-cache";
import type { RecentWrite } from "../audit/change-record.ts";
import type { Protection } from "../auth/policy/policy.ts";
import type { MfaFlagSet, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { matchesFlagSet, WRITABLE } from "./compose-flag-sets.ts";
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

/** CAM: as CAM showed the user. GATEWAY: with a recent write of the gateway's in the place of what CAM showed. */
export type KnowledgeSource = "CAM" | "GATEWAY";

/** A user's protections, and whose knowledge that is. */
export interface KnownFlags extends SafeAuthFlags {
  readonly source: KnowledgeSource;
  /** When the reading began, or when the outcome of the gateway's latest write became known: ISO 8601, in UTC. */
  readonly asOf: string;
}

/** A user as CAM showed them. */
export interface Reading extends SafeAuthFlags {
  readonly asOf: string;
}

/** The parts of a write on record that its runner put there. */
export type KnownWrite = Pick<RecentWrite, "status" | "finishedAt"> & {
  readonly before: SafeAuthFlags;
  readonly sent: Partial<SetMfaFlagInput>;
};

const PROTECTIONS: readonly Protection[] = ["login", "action"];

/**
 * A reading with the applied ones of our recent writes, which CAM may not show yet: a flag that one of them changed is as the
 * last of these left it.
 *
 * @param writes in the order in which CAM heard of them.
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
    const known = protection === "login" ? login : action;
    return WRITABLE.some((method) => known[method] !== reading[protection][method]);
  });
  if (latest === undefined || !isOurs) return { login, action, source: "CAM", asOf: reading.asOf };
  return { login, action, source: "GATEWAY", asOf: latest.toISOString() };
}

/** The writes after the last applied one: what they sent may be in force, or come into force. */
export function trailingUnknown(writes: readonly KnownWrite[]): readonly KnownWrite[] {
  const lastApplied = writes.findLastIndex(({ status }) => status === "applied");
  return writes.slice(lastApplied + 1);
}

/** The user as a write of unknown outcome leaves them if it takes effect. */
export function asIfApplied(known: SafeAuthFlags, { sent }: KnownWrite): SafeAuthFlags {
  return { login: { ...known.login, ...sent.login }, action: { ...known.action, ...sent.action } };
}

/**
 * Whether a reading that shows what `flagSets` ask for may show one of these images instead: each flag set is in one of them
 * as well.
 */
export function mayBeAnother(
  flagSets: Partial<SetMfaFlagInput>,
  images: readonly Partial<Record<Protection, MfaFlagSet | MfaFlagState>>[],
): boolean {
  return PROTECTIONS.every((protection) => {
    const flagSet = flagSets[protection];
    return flagSet === undefined || images.some((image) => matchesFlagSet(image[protection], flagSet));
  });
}

/** The flags of a protection that a write changed, as it left them. */
function changesOf({ before, sent }: KnownWrite, protection: Protection): Partial<MfaFlagSet> {
  const flagSet = sent[protection];
  if (flagSet === undefined) return {};
  const changed = WRITABLE.filter((method) => flagSet[method] !== before[protection]?.[method]);
  return Object.fromEntries(changed.map((method) => [method, flagSet[method]]));
}
