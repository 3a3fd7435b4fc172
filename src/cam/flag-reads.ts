import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Uin } from "../contract/index.ts";
import { describeSafeAuthFlagColl, type SafeAuthFlags } from "./actions/mfa-flags.ts";
import type { CamCallOptions, CamClient } from "./cam-client.ts";

export interface FlagReadsDeps {
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
  /** The time for which other operations may use a reading. 0 disables the cache. */
  readonly cacheMs: number;
}

/** The most cached readings: more users than one page shows, in a few megabytes of memory. */
const MAX_CACHED = 10_000;

/** A user's protections as CAM reported them. */
export interface FlagReading extends SafeAuthFlags {
  /** The start of the read: ISO 8601, in UTC. */
  readonly asOf: string;
  /** The same moment in monotonic milliseconds. */
  readonly atMs: number;
}

/** A reading in progress. */
interface ReadingUnderWay {
  readonly flags: Promise<FlagReading>;
  readonly deadlineMs: number;
}

/**
 * Reads users' protections for all operations of this process. Each reading is one call to CAM. Concurrent operations
 * share the reading of a user. A change of the user drops the reading, so that later operations see the new state.
 * Changes by other replicas become visible when the cached reading expires.
 */
export class FlagReads {
  readonly #deps: FlagReadsDeps;
  readonly #underWay = new Map<Uin, ReadingUnderWay>();
  readonly #kept: LRUCache<Uin, FlagReading> | undefined;

  constructor(deps: FlagReadsDeps) {
    const { cacheMs, clock } = deps;
    this.#deps = deps;
    if (cacheMs > 0) {
      const perf = { now: () => clock.monotonic() };
      this.#kept = new LRUCache({ max: MAX_CACHED, ttl: cacheMs, ttlResolution: 0, perf });
    }
  }

  /**
   * Returns a user's protections, from the cache or from CAM. @throws CamError, GatewayError as CamClient.call does.
   */
  async read(opUin: Uin, options: CamCallOptions): Promise<FlagReading> {
    const kept = this.#kept?.get(opUin);
    if (kept !== undefined) return kept;
    const underWay = this.#underWay.get(opUin);
    if (underWay === undefined) return this.#begin(opUin, options);
    try {
      return await underWay.flags;
    } catch (error) {
      // The shared read may have run out of time, and this operation has more time.
      if (underWay.deadlineMs >= options.deadlineMs) throw error;
      return this.read(opUin, options);
    }
  }

  /** Drops the readings of a user, before and after a change. */
  drop(opUin: Uin): void {
    this.#underWay.delete(opUin);
    this.#kept?.delete(opUin);
  }

  #begin(opUin: Uin, options: CamCallOptions): Promise<FlagReading> {
    const { cam, clock } = this.#deps;
    const asked = { asOf: new Date(clock.now()).toISOString(), atMs: clock.monotonic() };
    const flags = cam
      .call(describeSafeAuthFlagColl, { subUin: opUin }, options)
      .then(({ output }) => ({ ...output, ...asked }));
    const reading = { flags, deadlineMs: options.deadlineMs };
    this.#underWay.set(opUin, reading);
    const isOver = (): boolean => this.#underWay.get(opUin) === reading && this.#underWay.delete(opUin);
    flags.then(
      (output) => {
        if (isOver()) this.#kept?.set(opUin, output);
      },
      () => isOver(),
    );
    return flags;
  }
}
