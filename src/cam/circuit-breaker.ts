import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { CircuitVotes } from "./circuit-votes.ts";

export interface CircuitBreakerConfig {
  /** From how many failed users on the circuit of an action may open; 0 never opens one. */
  readonly failures: number;
}

/** One call, as far as its circuit needs to know it. */
export interface CircuitCall {
  readonly action: string;
  /** The one user that the call is about. Calls without one share the account's own vote. */
  readonly user: string | undefined;
  readonly caller: string;
  readonly deadlineMs: number;
}

/** The outcome of an attempt; undefined where it says nothing about CAM. */
export type CircuitVote = "WELL" | "FAILED" | undefined;

/** The key of the account's own vote. No user has it. */
const ACCOUNT = "";

const PROBE_EVERY_MS = 1_000;

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Stops calls of an action that fails for most users, one circuit for each action. CAM refusing a change is no failure.
 * While a circuit is open the gateway sends one probe a second and spends no slot of the quota on other calls.
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
   * @throws GatewayError CAM_CIRCUIT_OPEN where the circuit is open; the attempt is not made.
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
  /** When a probe last closed the circuit. Failures of calls that began before say nothing any more. */
  #closedAtMs = NEVER;
  #probe: Probe | undefined;
  #probedAtMs = NEVER;
  #newcomerProbedAtMs = NEVER;
  #prober: string | undefined;
  /** When a call of each rank was last refused since the last probe. */
  #refusedAtMs = [NEVER, NEVER, NEVER, NEVER];

  constructor(failures: number, clock: Clock) {
    this.#failures = failures;
    this.#clock = clock;
    this.#votes = new CircuitVotes(clock);
  }

  /** Lets a call through, and returns the function that takes its outcome. @throws GatewayError CAM_CIRCUIT_OPEN */
  async admit(call: CircuitCall): Promise<(vote: CircuitVote) => void> {
    const { user = ACCOUNT, deadlineMs } = call;
    if (!this.#isOpen()) return this.#counter(call);
    let waitMs = this.#untilProbe(call);
    if (waitMs > 0 && this.#probe !== undefined && !this.#votes.hasFailed(user)) {
      await this.#over(this.#probe, Math.min(waitMs, deadlineMs - this.#clock.monotonic()));
      if (!this.#isOpen()) return this.#counter(call);
      waitMs = this.#untilProbe(call);
    }
    if (waitMs > 0) throw new GatewayError("CAM_CIRCUIT_OPEN", { retryAfterMs: Math.ceil(waitMs) });
    return this.#startProbe(call);
  }

  #isOpen(): boolean {
    this.#open &&= this.#votes.showFailure(this.#failures);
    return this.#open;
  }

  /**
   * How long this call has to wait before it may be the next probe; 0 for now. Users without failures go before others,
   * and another caller before the one who sent the last probe: a call leaves the probe to a better one that was refused
   * within the last second. A caller without failures, asking for such a user, does not wait for the probes of others.
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
      if (vote === "WELL") this.#close();
      // It showed nothing, so the next call may try at once.
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
      if (failed && !this.#open && this.#votes.showFailure(this.#failures)) this.#openNow();
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

  async #over(probe: Probe, withinMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(Math.max(0, withinMs), resolve);
    await Promise.race([probe.over, late]);
    cancel();
  }
}
