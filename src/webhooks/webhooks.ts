/**
 * Owns webhooks: it delivers events to the receivers of WEBHOOKS_FILE, at least once and in order for each receiver.
 * Triggers write the events (schema/migrations). The job queue wakes the deliveries, and the state in the database
 * decides. Read receiver-store.ts next.
 */

import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import type { JobKind, JobQueue } from "../jobs/job-queue.ts";
import { Poller } from "../poller.ts";
import { EventSender } from "./event-sender.ts";
import { type Resolve, resolveBySystem } from "./permitted-addresses.ts";
import type { Receiver } from "./receiver.ts";
import { type ReceiverState, ReceiverStore } from "./receiver-store.ts";

interface WebhooksDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Whether receivers may be on this machine, which only local mode allows. */
  readonly allowsLoopback: boolean;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
  readonly send: JobQueue["send"];
  readonly observer: WebhooksObserver;
}

/** An attempt to deliver an event. */
export interface Attempt {
  readonly receiver: string;
  readonly eventId: string;
  readonly type: string;
}

export interface WebhooksObserver {
  onDelivered(attempt: Attempt): void;
  /** The receiver gets the event again after the wait. */
  onFailed(attempt: Attempt & { readonly problem: string; readonly retryInMs: number }): void;
  /** The event failed for so long that it is in the dead-letter list now. */
  onDead(attempt: Attempt & { readonly problem: string }): void;
  /** The receiver answered 410. It gets no event until its entry in the file changes. */
  onDisabled(attempt: Attempt): void;
  /** Events were erased, because they waited for too long. */
  onErased(events: number): void;
  /** The states of the receivers in the file, every few seconds. */
  onStates(states: readonly ReceiverState[]): void;
  /** The database is unavailable, for example. The next round tries again. */
  onError(error: unknown): void;
}

const DELIVERY = "webhook-delivery";
/** The number of receivers that get events in parallel, so that a slow one does not delay the others. */
const MAX_CONCURRENCY = 8;
/** The time after which a receiver with many events yields to the next receiver. */
const MAX_TURN_MS = 60_000;
const POLL_MS = 2_000;
const RENEW_MS = 600_000;

const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 900_000;

/** Returns the wait after a number of failed attempts: 5 s, 15 s, 45 s and so on up to 15 minutes, ± 10 %. */
export function retryDelayMs(failures: number, random: number): number {
  const waitMs = Math.min(FIRST_WAIT_MS * 3 ** (failures - 1), LONGEST_WAIT_MS);
  return Math.round(waitMs * (0.9 + 0.2 * random));
}

export class Webhooks {
  readonly #deps: WebhooksDeps;
  readonly #store: ReceiverStore;
  readonly #poller: Poller;
  readonly #stopping = new AbortController();
  #receivers: ReadonlyMap<string, Receiver> = new Map();
  #renewAtMs = 0;

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
    this.#store = new ReceiverStore(deps.database);
    this.#poller = new Poller(deps.clock, () => this.#poll());
  }

  /** The job that delivers the events of one receiver. */
  get jobs(): readonly JobKind[] {
    return [{ name: DELIVERY, concurrency: MAX_CONCURRENCY, run: (name) => this.#deliver(name) }];
  }

  /** Replaces the receivers. @throws GatewayError STORE_UNAVAILABLE. The old ones then stay in use. */
  async use(receivers: readonly Receiver[]): Promise<void> {
    await this.#store.register(receivers);
    this.#receivers = new Map(receivers.map((receiver) => [receiver.name, receiver]));
  }

  start(): void {
    this.#poller.start();
  }

  /** Aborts the attempts in progress. Another replica, or the next start, repeats them. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#poller.stop();
  }

  async #poll(): Promise<number> {
    const { clock, observer, send } = this.#deps;
    const names = [...this.#receivers.keys()];
    try {
      const states = await this.#store.states(names);
      observer.onStates(states);
      for (const { name, isDue } of states) if (isDue) await send(DELIVERY, name);
      if (clock.monotonic() >= this.#renewAtMs) {
        const { erased } = await this.#store.renew(names);
        if (erased > 0) observer.onErased(erased);
        this.#renewAtMs = clock.monotonic() + RENEW_MS;
      }
    } catch (error) {
      observer.onError(error);
    }
    return POLL_MS;
  }

  async #deliver(name: string): Promise<void> {
    const { clock, observer, resolve = resolveBySystem, allowsLoopback } = this.#deps;
    const receiver = this.#receivers.get(name);
    if (receiver === undefined || this.#stopping.signal.aborted) return;
    const rules = { loopback: allowsLoopback, private: receiver.privateAddresses };
    const owner = randomUUID();
    await using sender = new EventSender({ clock, rules, resolve });
    const untilMs = clock.monotonic() + MAX_TURN_MS;
    try {
      let goesOn = true;
      while (goesOn && clock.monotonic() < untilMs) goesOn = await this.#deliverOne(receiver, owner, sender);
    } catch (error) {
      if (!this.#stopping.signal.aborted) observer.onError(error);
    } finally {
      await this.#store.release(name, owner).catch((error: unknown) => observer.onError(error));
    }
  }

  /** Delivers the first event. Returns whether the next one can follow. */
  async #deliverOne(receiver: Receiver, owner: string, sender: EventSender): Promise<boolean> {
    const { clock, observer } = this.#deps;
    const { name } = receiver;
    const event = await this.#store.claim(name, owner);
    if (event === undefined) return false;
    const { position, eventId, type, failures } = event;
    const attempt = { receiver: name, eventId, type };
    const answer = await sender.send(receiver, event, this.#stopping.signal);
    if (answer.kind === "DELIVERED") {
      await this.#store.delivered(name, position);
      observer.onDelivered(attempt);
      return true;
    }
    const { problem } = answer;
    const isGone = answer.kind === "GONE";
    const askedMs = isGone ? 0 : Math.min(answer.retryAfterMs, LONGEST_WAIT_MS);
    const waitMs = Math.max(retryDelayMs(failures + 1, clock.random()), askedMs);
    const { isDead } = await this.#store.failed({ name, position, problem, waitMs, isGone });
    if (isGone) observer.onDisabled(attempt);
    else if (isDead) observer.onDead({ ...attempt, problem });
    else observer.onFailed({ ...attempt, problem, retryInMs: waitMs });
    return false;
  }
}
