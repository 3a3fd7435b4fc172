import type { CallerIdentity } from "../auth/caller.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { Poller } from "../poller.ts";
import type { Report } from "../telemetry/log-events.ts";
import type { AuditEvents, NewEvent } from "./audit-events.ts";

/** A refusal after authentication. */
export interface Refusal {
  readonly caller: CallerIdentity;
  readonly code: string;
  /** The rule that refused: its kind, and its name in the policy. */
  readonly rule: string;
  /** The field of the schema, such as `Mutation.setSubUserMfa`. */
  readonly field: string;
  readonly opUin: string | undefined;
  readonly gatewayRequestId: string;
}

interface RefusalRecorderDeps {
  readonly events: Pick<AuditEvents, "record">;
  readonly clock: Clock;
  readonly report?: Report;
}

/** The refusals of one caller in one minute. */
interface Tally {
  readonly caller: CallerIdentity | undefined;
  readonly beganMs: number;
  recorded: number;
  /** Those beyond the limit. The gateway records their number at the end of the minute. */
  more: number;
  readonly codes: Map<string, number>;
}

const FLUSH_MS = 1_000;
const MINUTE_MS = 60_000;

/** The number of refusals of a caller in a minute that the gateway records one by one. */
const ONE_BY_ONE = 20;

/** The number of callers that are counted apart. Further callers are counted together. */
const MAX_CALLERS = 1_000;

/** The number of events that wait for the database. */
const MAX_WAITING = 2_000;

const BATCH = 200;

/**
 * Records refusals in the background, so that no answer waits for the database. Past a rate it records one summary for a
 * caller and minute, so that no caller fills the disk or hides an attack by volume. Counts and logs what it cannot record.
 */
export class RefusalRecorder {
  readonly #deps: RefusalRecorderDeps;
  readonly #poller: Poller;
  readonly #tallies = new Map<string, Tally>();
  #waiting: { readonly event: NewEvent; readonly atMs: number }[] = [];
  #lost = 0;

  constructor(deps: RefusalRecorderDeps) {
    this.#deps = deps;
    this.#poller = new Poller(deps.clock, async () => {
      await this.flush();
      return FLUSH_MS;
    });
  }

  start(): void {
    this.#poller.start(FLUSH_MS);
  }

  /** Records the waiting refusals, once. */
  async stop(): Promise<void> {
    await this.#poller.stop();
    this.#summarise(Number.POSITIVE_INFINITY);
    await this.flush();
  }

  /** Notes a refusal. Returns immediately. */
  note({ caller, code, rule, field, opUin, gatewayRequestId }: Refusal): void {
    const tally = this.#tallyOf(caller);
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
    if (tally.caller === undefined || tally.recorded >= ONE_BY_ONE) {
      tally.more += 1;
      return;
    }
    tally.recorded += 1;
    const { subject, client, issuer } = caller;
    this.#add({
      ...{ kind: "refusal", subject, client, issuer },
      details: { code, rule, field, opUin, gatewayRequestId },
    });
  }

  /** Records the events that wait, and the summaries of the minutes that are over. Handles its own errors. */
  async flush(): Promise<void> {
    const { events, clock, report } = this.#deps;
    this.#summarise(clock.monotonic() - MINUTE_MS);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      const nowMs = clock.monotonic();
      try {
        await events.record(batch.map(({ event, atMs }) => ({ ...event, ageMs: nowMs - atMs })));
      } catch (err) {
        report?.("record.refusals_wait", { waiting: this.#waiting.length, err });
        // The store is unavailable. Any other error would come again.
        if (err instanceof GatewayError) break;
        this.#lost += batch.length;
      }
      this.#waiting = this.#waiting.slice(batch.length);
    }
    if (this.#lost > 0) report?.("record.refusals_lost", { lost: this.#lost });
    this.#lost = 0;
  }

  #tallyOf(caller: CallerIdentity): Tally {
    const { subject, issuer } = caller;
    const name = JSON.stringify([subject, issuer]);
    const key = this.#tallies.has(name) || this.#tallies.size < MAX_CALLERS ? name : "";
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      const beganMs = this.#deps.clock.monotonic();
      tally = { caller: key === "" ? undefined : caller, beganMs, recorded: 0, more: 0, codes: new Map() };
      this.#tallies.set(key, tally);
    }
    return tally;
  }

  /** Ends the minutes that began before a time. */
  #summarise(beforeMs: number): void {
    for (const [key, { caller, beganMs, recorded, more, codes }] of this.#tallies) {
      if (beganMs > beforeMs) continue;
      this.#tallies.delete(key);
      if (more === 0) continue;
      this.#add({
        ...{ kind: "refusals", subject: caller?.subject, client: caller?.client, issuer: caller?.issuer },
        details: { count: more, recorded, codes: Object.fromEntries(codes), withinMs: MINUTE_MS },
      });
    }
  }

  #add(event: NewEvent): void {
    if (this.#waiting.length >= MAX_WAITING) this.#lost += 1;
    else this.#waiting.push({ event, atMs: this.#deps.clock.monotonic() });
  }
}
