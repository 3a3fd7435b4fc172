import { Account } from "./account.ts";
import { EmulatorClock, SeededRandom } from "./emulator-clock.ts";
import { FaultPlan } from "./fault-plan.ts";
import { Counters, Journal } from "./journal.ts";
import { KeyIssuer } from "./key-issuer.ts";
import { RateLimiter, type WindowKind } from "./rate-limiter.ts";
import type { ParsedSeed } from "./seed.ts";

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

export type EmulatorState = ReturnType<typeof createEmulatorState>;

/** Creates the state of an emulator. A reset renews every part but the settings. */
export function createEmulatorState(seed: ParsedSeed, settings: EmulatorSettings) {
  const clock = new EmulatorClock();
  let current = seed;
  const state = {
    clock,
    settings,
    ...freshParts(seed, settings, clock),
    /** Restores the seed: users, keys, faults, journal, counters, rate windows, random stream and clock. */
    reset(next: ParsedSeed = current): void {
      current = next;
      Object.assign(state, freshParts(current, settings, clock));
      clock.reset();
    },
  };
  return state;
}

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
    /** RequestIds have their own random stream, so that faults do not shift them. */
    requestIds: new SeededRandom(settings.randomSeed),
    chance,
  };
}
