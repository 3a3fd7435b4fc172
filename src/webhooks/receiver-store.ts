import { type RawBuilder, sql } from "kysely";
import type { Database } from "../database/database.ts";
import { inMs, NOW, runQuery, runRead, textArray } from "../database/statements.ts";
import type { Receiver } from "./receiver.ts";

/** The first event that a receiver still has to get. */
interface ClaimedEvent {
  readonly position: string;
  readonly eventId: string;
  readonly type: string;
  readonly body: string;
  /** The receiver's failed attempts since its last delivery. */
  readonly failures: number;
}

interface FailedAttempt {
  readonly name: string;
  readonly position: string;
  readonly problem: string;
  readonly waitMs: number;
  /** The receiver answered 410. */
  readonly isGone: boolean;
}

/** The state of a receiver, for people. */
export interface ReceiverState {
  readonly name: string;
  readonly waiting: number;
  readonly dead: number;
  /** When the oldest event that waits was queued. */
  readonly oldestAt: Date | undefined;
  readonly deliveredAt: Date | undefined;
  readonly failingSince: Date | undefined;
  readonly problem: string | undefined;
  readonly nextAttemptAt: Date | undefined;
  readonly disabledAt: Date | undefined;
  /** Whether an attempt is due and no job makes one. */
  readonly isDue: boolean;
  /** How long the oldest event waits, in milliseconds. */
  readonly oldestMs: number;
}

/** An event that could not be delivered (dead letter). */
export interface DeadEvent {
  readonly receiver: string;
  readonly eventId: string;
  readonly type: string;
  readonly queuedAt: Date;
  readonly deadAt: Date;
  readonly attempts: number;
  readonly problem: string;
}

/** The dead events to deliver again. Undefined: all. */
export interface DeadFilter {
  readonly receiver?: string | undefined;
  readonly event?: string | undefined;
}

/** The lease of a receiver: longer than an attempt, so that one replica at a time delivers to it. */
const LEASE_MS = 30_000;
/** The time after which an undelivered event becomes a dead letter. */
const DEAD_AFTER_MS = 3 * 86_400_000;
/** The delay before the next event, after one became a dead letter. */
const AFTER_DEAD_MS = 5_000;
/** The time after which a dead letter is deleted. */
const KEEP_DEAD_MS = 30 * 86_400_000;
/** The time after which a receiver that is in no replica's file is deleted. */
const KEEP_RECEIVER_MS = 7 * 86_400_000;

const LEASE_END = sql`(${NOW} + ${inMs(LEASE_MS)})`;
const IS_DUE = sql`disabled_at is null and (next_attempt_at is null or next_attempt_at <= ${NOW})`;
const IS_FREE = sql`(lease_until is null or lease_until <= ${NOW})`;

/**
 * Stores the receivers and their events. All times are by the database's clock. Throws the errors of `runQuery`.
 */
export class ReceiverStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Registers the receivers of a file, so that triggers write events for them. A changed entry enables a disabled
   * receiver.
   */
  async register(receivers: readonly Receiver[]): Promise<void> {
    const rows = receivers.map(({ name, settings, events, accounts = null }) => ({
      ...{ name, settings, accounts },
      types: events,
    }));
    const given = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as given (name text, settings text, types text[], accounts text[])`;
    await this.#run(sql`
      update webhook_receiver r set
        failures = 0, failing_since = null, problem = null, next_attempt_at = null, disabled_at = null
      from ${given} where r.name = given.name and r.settings <> given.settings`);
    await this.#run(sql`
      insert into webhook_receiver (name, settings, types, accounts)
      select name, settings, types, accounts from ${given}
      on conflict (name) do update set seen_at = ${NOW}, settings = excluded.settings, types = excluded.types,
        accounts = excluded.accounts`);
  }

  /**
   * Marks the receivers of the file as in use. Deletes receivers that no file has, and events that have waited for too
   * long.
   */
  async renew(names: readonly string[]): Promise<{ readonly erased: number }> {
    await this.#run(sql`update webhook_receiver set seen_at = ${NOW} where name = any (${textArray(names)})`);
    await this.#run(sql`delete from webhook_receiver where seen_at < ${NOW} - ${inMs(KEEP_RECEIVER_MS)}`);
    const erased = await this.#run(sql`
      delete from webhook_delivery where queued_at < ${NOW} - ${inMs(KEEP_DEAD_MS)} returning position`);
    return { erased: erased.length };
  }

  /**
   * Takes or renews the lease of a receiver, and returns its first event. Returns undefined if no attempt is due, if
   * another job has the lease, or without an event.
   * @param owner A name that no other job in any replica has.
   */
  async claim(name: string, owner: string): Promise<ClaimedEvent | undefined> {
    const [event] = await this.#run<ClaimedEvent>(sql`
      with leased as (
        update webhook_receiver set lease_owner = ${owner}, lease_until = ${LEASE_END}
        where name = ${name} and ${IS_DUE} and (lease_owner = ${owner} or ${IS_FREE})
        returning name, failures
      )
      select d.position::text as position, d.event_id, d.type, d.body, leased.failures
      from leased join webhook_delivery d on d.receiver = leased.name and d.dead_at is null
      order by d.position limit 1`);
    return event;
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#run(sql`
      update webhook_receiver set lease_owner = null, lease_until = null
      where name = ${name} and lease_owner = ${owner}`);
  }

  /** Removes a delivered event. */
  async delivered(name: string, position: string): Promise<void> {
    await this.#run(sql`
      with gone as (delete from webhook_delivery where position = ${position}::bigint)
      update webhook_receiver set
        delivered_at = ${NOW}, failures = 0, failing_since = null, problem = null, next_attempt_at = null
      where name = ${name}`);
  }

  /** Records a failed attempt. Returns whether the event became a dead letter. */
  async failed({ name, position, problem, waitMs, isGone }: FailedAttempt): Promise<{ isDead: boolean }> {
    const [row] = await this.#run<{ isDead: boolean }>(sql`
      with failed as (
        update webhook_delivery set
          attempts = attempts + 1, problem = ${problem},
          dead_at = case when queued_at <= ${NOW} - ${inMs(DEAD_AFTER_MS)} then ${NOW} end
        where position = ${position}::bigint
        returning dead_at is not null as is_dead
      ), receiver as (
        update webhook_receiver set
          failures = failures + 1, failing_since = coalesce(failing_since, ${NOW}), problem = ${problem},
          next_attempt_at = ${NOW} + case when (select is_dead from failed) then ${inMs(AFTER_DEAD_MS)} else ${inMs(waitMs)} end,
          disabled_at = case when ${isGone} then ${NOW} end
        where name = ${name}
      )
      select is_dead from failed`);
    return { isDead: row?.isDead === true };
  }

  /**
   * Returns the states of receivers, in the order of their names. If `names` is undefined, returns those of all
   * receivers in the database.
   */
  states(names?: readonly string[]): Promise<readonly ReceiverState[]> {
    const ofNames = names === undefined ? sql`true` : sql`name = any (${textArray(names)})`;
    return runRead<ReceiverState>(
      this.#database,
      sql`
      select r.name, r.delivered_at, r.failing_since, r.problem, r.next_attempt_at, r.disabled_at, d.oldest_at,
        coalesce(d.waiting, 0)::integer as waiting, coalesce(d.dead, 0)::integer as dead,
        coalesce(extract(epoch from ${NOW} - d.oldest_at) * 1000, 0)::double precision as oldest_ms,
        coalesce(d.waiting, 0) > 0 and ${IS_FREE} and ${IS_DUE} as is_due
      from webhook_receiver r left join (
        select receiver, count(*) filter (where dead_at is null) as waiting, count(dead_at) as dead,
          min(queued_at) filter (where dead_at is null) as oldest_at
        from webhook_delivery group by receiver
      ) d on d.receiver = r.name
      where ${ofNames} order by r.name`,
    );
  }

  /** Returns the dead letters in order. */
  dead(limit: number): Promise<readonly DeadEvent[]> {
    return runRead<DeadEvent>(
      this.#database,
      sql`
      select receiver, event_id, type, queued_at, dead_at, attempts, problem from webhook_delivery
      where dead_at is not null order by receiver, position limit ${limit}`,
    );
  }

  /** Delivers dead events again, before newer ones, and returns their number. They keep their ids. */
  async redrive({ receiver, event }: DeadFilter): Promise<number> {
    const [row] = await this.#run<{ events: number }>(sql`
      with redriven as (
        update webhook_delivery set dead_at = null, queued_at = ${NOW}
        where dead_at is not null and receiver = coalesce(${receiver ?? null}, receiver)
          and event_id = coalesce(${event ?? null}::uuid, event_id)
        returning receiver
      ), receivers as (
        update webhook_receiver set next_attempt_at = null where name in (select receiver from redriven)
      )
      select count(*)::integer as events from redriven`);
    return row?.events ?? 0;
  }

  #run<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return runQuery(this.#database, query);
  }
}
