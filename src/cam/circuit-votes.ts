import type { Clock } from "../clock.ts";

/** How long a vote counts. */
const WINDOW_MS = 30_000;

/** More users than CAM answers for within the window at its usual 20 calls a second. */
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

/** The latest outcome of each user of the last 30 seconds, with the caller who asked. */
export class CircuitVotes {
  readonly #clock: Clock;
  /** By user, the oldest vote first. */
  readonly #votes = new Map<string, Vote>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces the user's vote. Past the bound, the caller with most votes loses the oldest one. */
  cast(user: string, caller: string, failed: boolean): void {
    this.#dropOld();
    this.#votes.delete(user);
    this.#votes.set(user, { caller, failed, atMs: this.#clock.monotonic() });
    if (this.#votes.size > MAX_VOTES) this.#dropOneOf(mostBy(this.#tally(), "total")?.caller);
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
   * Whether at least `fewest` users failed and half of the votes did. No caller decides this alone while others vote:
   * without the caller who has most failures, half of the votes must have failed as well.
   */
  showFailure(fewest: number): boolean {
    this.#dropOld();
    const tallies = this.#tally();
    if (sum(tallies, "failed") < fewest) return false;
    const loudest = mostBy(tallies, "failed");
    const rest = tallies.filter((tally) => tally !== loudest);
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

function mostBy(tallies: readonly Tally[], count: "failed" | "total"): Tally | undefined {
  return tallies.reduce<Tally | undefined>(
    (most, tally) => (most === undefined || tally[count] > most[count] ? tally : most),
    undefined,
  );
}

function sum(tallies: readonly Tally[], count: "failed" | "total"): number {
  return tallies.reduce((whole, tally) => whole + tally[count], 0);
}
