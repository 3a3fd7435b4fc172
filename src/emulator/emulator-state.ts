import { Account } from "./account.ts";
import { EmulatorClock } from "./emulator-clock.ts";
import { FaultPlan } from "./fault-plan.ts";
import { Counters, Journal } from "./journal.ts";
import { KeyIssuer } from "./key-issuer.ts";
import { RateLimiter, type WindowKind } from "./rate-limiter.ts";
import type { ParsedSeed } from "./seed.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface EmulatorSettings {
  ratePerSecond: number;
  window: WindowKind;
  omittedIntegers: "zero" | "unchanged";
  /** Whether to accept `X-TC-Region: null`, which an official SDK sends. */
  nullRegion: "accept" | "refuse";
  randomSeed: number;
  /** The role of the instance whose metadata the control port serves; null for an instance without one. */
  instanceRole: string | null;
}

/** The state that a reset renews. */
export class EmulatorState {
  readonly clock = new EmulatorClock();
  readonly settings: EmulatorSettings;
  #seed: ParsedSeed;
  #parts: StateParts;

  constructor(seed: ParsedSeed, settings: EmulatorSettings) {
    this.settings = settings;
    this.#seed = seed;
    this.#parts = freshParts(seed, settings, this.clock);
  }

  /** Restores the seed: users, keys, faults, journal, counters, rate windows, random stream and clock. */
  reset(seed: ParsedSeed = this.#seed): void {
    this.#seed = seed;
    this.#parts = freshParts(seed, this.settings, this.clock);
    this.clock.reset();
  }

  get account(): Account {
    return this.#parts.account;
  }

  get limiter(): RateLimiter {
    return this.#parts.limiter;
  }

  get faults(): FaultPlan {
    return this.#parts.faults;
  }

  get journal(): Journal {
    return this.#parts.journal;
  }

  get counters(): Counters {
    return this.#parts.counters;
  }

  get issuer(): KeyIssuer {
    return this.#parts.issuer;
  }

  /** RequestIds have their own random stream, so that faults do not shift them. */
  get requestIds(): SeededRandom {
    return this.#parts.requestIds;
  }

  get chance(): SeededRandom {
    return this.#parts.chance;
  }
}

type StateParts = ReturnType<typeof freshParts>;

function freshParts(seed: ParsedSeed, settings: EmulatorSettings, clock: EmulatorClock) {
  const chance = new SeededRandom(settings.randomSeed + 1);
  const account = new Account(seed, () => clock.monotonic());
  return {
    account,
    // Keys have their own random stream, so that they are the same in every run.
    issuer: new KeyIssuer(account, new SeededRandom(settings.randomSeed + 2)),
    limiter: new RateLimiter(settings.ratePerSecond, settings.window),
    faults: new FaultPlan(chance),
    journal: new Journal(),
    counters: new Counters(),
    requestIds: new SeededRandom(settings.randomSeed),
    chance,
  };
}
