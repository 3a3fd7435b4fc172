import { type Clock, within } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";

export interface CircuitBreakerConfig {
  /** The fewest failed users with which the circuit of an action may open. 0 never opens a circuit. */
  readonly failures: number;
}

/** The properties of a call that its circuit uses. */
interface CircuitCall {
  readonly action: string;
  /** The only user of the call. Calls with no user or several share the account's vote. */
  readonly user: string | undefined;
  readonly caller: string;
  readonly deadlineMs: number;
}

/** A vote on whether CAM works, from the outcome of an attempt. Undefined if the outcome does not show it. */
export type CircuitVote = "OK" | "FAILED" | undefined;

/** The key of the account's vote. No user has this key. */
const ACCOUNT = "";

const PROBE_EVERY_MS = 1_000;

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * A circuit breaker for each action. A circuit opens when an action fails for at least half of the users
 * (`CircuitVotes.showOutage`). A refusal by CAM does not count as a failure. An open circuit admits one probe a second,
 * and one of a caller and user without failures. It refuses other calls before they take a slot of the quota.
 */
export class ActionCircuits {
  readonly #config: CircuitBreakerConfig;
  readonly #clock: Clock;
  readonly #circuits = new Map<string, Circuit>();

  constructor(config: CircuitBreakerConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /**
   * Runs one attempt and counts its outcome as the user's vote.
   * @throws GatewayError CAM_CIRCUIT_OPEN while the circuit is open, without running the attempt.
   */
  async run<Attempt>(
    call: CircuitCall,
    attempt: () => Promise<Attempt>,
    voteOf: (attempt: Attempt) => CircuitVote,
  ): Promise<Attempt> {
    if (this.#config.failures === 0) return attempt();
    const circuit = this.#circuitOf(call.action);
    const count = await circuit.admit(call);
    let vote: CircuitVote;
    try {
      const result = await attempt();
      vote = voteOf(result);
      return result;
    } finally {
      count(vote);
    }
  }

  /** Returns the actions whose circuit is open. */
  get openActions(): readonly string[] {
    return [...this.#circuits].filter(([, circuit]) => circuit.isOpen).map(([action]) => action);
  }

  #circuitOf(action: string): Circuit {
    const circuit = this.#circuits.get(action) ?? new Circuit(this.#config.failures, this.#clock);
    this.#circuits.set(action, circuit);
    return circuit;
  }
}

interface Probe {
  readonly over: Promise<void>;
  readonly end: () => void;
}

class Circuit {
  readonly #failures: number;
  readonly #clock: Clock;
  readonly #votes: CircuitVotes;
  #open = false;
  /** The time at which a probe last closed the circuit. Failures of calls that began earlier do not count. */
  #closedAtMs = NEVER;
  #probe: Probe | undefined;
  #probedAtMs = NEVER;
  #newcomerProbedAtMs = NEVER;
  #prober: string | undefined;
  /** The time of the last refused call of each rank since the last probe. `#untilProbe` defines the ranks. */
  #refusedAtMs = [NEVER, NEVER, NEVER, NEVER];

  constructor(failures: number, clock: Clock) {
    this.#failures = failures;
    this.#clock = clock;
    this.#votes = new CircuitVotes(clock);
  }

  /**
   * Admits a call and returns the function that counts its outcome. A call of a user without failures waits for the
   * probe in progress. @throws GatewayError CAM_CIRCUIT_OPEN
   */
  async admit(call: CircuitCall): Promise<(vote: CircuitVote) => void> {
    const { user = ACCOUNT, deadlineMs } = call;
    if (!this.isOpen) return this.#counter(call);
    let waitMs = this.#untilProbe(call);
    if (waitMs > 0 && this.#probe !== undefined && !this.#votes.hasFailed(user)) {
      const withinMs = Math.min(waitMs, deadlineMs - this.#clock.monotonic());
      await within(this.#clock, withinMs, this.#probe.over, () => undefined);
      if (!this.isOpen) return this.#counter(call);
      waitMs = this.#untilProbe(call);
    }
    if (waitMs > 0) throw new GatewayError("CAM_CIRCUIT_OPEN", { retryAfterMs: Math.ceil(waitMs) });
    return this.#startProbe(call);
  }

  get isOpen(): boolean {
    this.#open &&= this.#votes.showOutage(this.#failures);
    return this.#open;
  }

  /**
   * Returns the time until this call may be the next probe. 0 means now.
   *
   * Callers other than the last probe's caller rank first. Among the calls of each group, users without failures rank
   * first. A call waits while a call of a better rank was refused within the last second. A newcomer is a call whose
   * caller and user have no failures. It waits only for the last probe of a newcomer.
   */
  #untilProbe({ user = ACCOUNT, caller }: CircuitCall): number {
    const nowMs = this.#clock.monotonic();
    const hasFailed = this.#votes.hasFailed(user);
    const isNewcomer = !hasFailed && !this.#votes.callerHasFailed(caller);
    const rank = (caller === this.#prober ? 2 : 0) + (hasFailed ? 1 : 0);
    const last = isNewcomer ? this.#newcomerProbedAtMs : this.#probedAtMs;
    const better = isNewcomer ? [] : this.#refusedAtMs.slice(0, rank);
    const dueMs = Math.max(last, ...better) + PROBE_EVERY_MS;
    if (dueMs > nowMs) this.#refusedAtMs[rank] = nowMs;
    return Math.max(0, dueMs - nowMs);
  }

  #startProbe(call: CircuitCall): (vote: CircuitVote) => void {
    const { user = ACCOUNT, caller } = call;
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const probe = { over, end };
    const isNewcomer = !this.#votes.hasFailed(user) && !this.#votes.callerHasFailed(caller);
    this.#probe = probe;
    this.#prober = caller;
    this.#refusedAtMs.fill(NEVER);
    this.#probedAtMs = this.#clock.monotonic();
    if (isNewcomer) this.#newcomerProbedAtMs = this.#probedAtMs;
    const count = this.#counter(call);
    return (vote) => {
      if (vote === "OK") this.#close();
      // The probe showed nothing, so the next call may be a probe immediately.
      if (vote === undefined && this.#probe === probe) this.#probedAtMs = this.#newcomerProbedAtMs = NEVER;
      if (this.#probe === probe) this.#probe = undefined;
      count(vote);
      end();
    };
  }

  #counter({ user = ACCOUNT, caller }: CircuitCall): (vote: CircuitVote) => void {
    const beganMs = this.#clock.monotonic();
    return (vote) => {
      const failed = vote === "FAILED";
      if (vote === undefined || (failed && beganMs < this.#closedAtMs)) return;
      this.#votes.cast(user, caller, failed);
      if (failed && !this.#open && this.#votes.showOutage(this.#failures)) this.#openNow();
    };
  }

  #openNow(): void {
    this.#open = true;
    this.#prober = undefined;
    this.#refusedAtMs.fill(NEVER);
    this.#probedAtMs = this.#newcomerProbedAtMs = this.#clock.monotonic();
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#votes.clear();
    this.#closedAtMs = this.#clock.monotonic();
  }
}

/** The time for which a vote counts. */
const WINDOW_MS = 30_000;

/** The most votes of a circuit. Within the window, CAM answers 600 calls at its usual 20 a second. */
const MAX_VOTES = 1_000;

interface Vote {
  readonly caller: string;
  readonly failed: boolean;
  readonly atMs: number;
}

interface Tally {
  readonly caller: string;
  failed: number;
  total: number;
}

/** The latest outcome of each user within the last 30 seconds, with its caller. */
class CircuitVotes {
  readonly #clock: Clock;
  /** By user, the oldest vote first. */
  readonly #votes = new Map<string, Vote>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces the user's vote. Above the limit, drops the oldest vote of the caller with most votes. */
  cast(user: string, caller: string, failed: boolean): void {
    this.#dropOld();
    this.#votes.delete(user);
    this.#votes.set(user, { caller, failed, atMs: this.#clock.monotonic() });
    if (this.#votes.size > MAX_VOTES) this.#dropOneOf(callerWithMost(this.#tally(), "total")?.caller);
  }

  clear(): void {
    this.#votes.clear();
  }

  hasFailed(user: string): boolean {
    this.#dropOld();
    return this.#votes.get(user)?.failed ?? false;
  }

  callerHasFailed(caller: string): boolean {
    this.#dropOld();
    return [...this.#votes.values()].some((vote) => vote.failed && vote.caller === caller);
  }

  /**
   * Returns whether at least `fewest` votes, and at least half of all votes, are failures. Without the caller with most
   * failures, at least half of the other votes must be failures too. So one caller cannot decide alone while others
   * vote.
   */
  showOutage(fewest: number): boolean {
    this.#dropOld();
    const tallies = this.#tally();
    if (sum(tallies, "failed") < fewest) return false;
    const worst = callerWithMost(tallies, "failed");
    const rest = tallies.filter((tally) => tally !== worst);
    return isHalfFailed(tallies) && (rest.length === 0 || isHalfFailed(rest));
  }

  #tally(): readonly Tally[] {
    const tallies = new Map<string, Tally>();
    for (const { caller, failed } of this.#votes.values()) {
      const tally = tallies.get(caller) ?? { caller, failed: 0, total: 0 };
      tally.total += 1;
      if (failed) tally.failed += 1;
      tallies.set(caller, tally);
    }
    return [...tallies.values()];
  }

  #dropOld(): void {
    const oldestMs = this.#clock.monotonic() - WINDOW_MS;
    for (const [user, { atMs }] of this.#votes) {
      if (atMs > oldestMs) return;
      this.#votes.delete(user);
    }
  }

  #dropOneOf(caller: string | undefined): void {
    for (const [user, vote] of this.#votes) {
      if (vote.caller !== caller) continue;
      this.#votes.delete(user);
      return;
    }
  }
}

function isHalfFailed(tallies: readonly Tally[]): boolean {
  return 2 * sum(tallies, "failed") >= sum(tallies, "total");
}

function callerWithMost(tallies: readonly Tally[], count: "failed" | "total"): Tally | undefined {
  return tallies.reduce<Tally | undefined>(
    (most, tally) => (most === undefined || tally[count] > most[count] ? tally : most),
    undefined,
  );
}

function sum(tallies: readonly Tally[], count: "failed" | "total"): number {
  return tallies.reduce((whole, tally) => whole + tally[count], 0);
}
