import { LRUCache } from "lru-cache";
import {
  type CamCallOptions,
  type CamClient,
  describeSafeAuthFlagColl,
  type SafeAuthFlags,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import type { Uin } from "../contract/index.ts";

export interface FlagReadsDeps {
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
  /** How long what was read is good enough for others; 0 keeps nothing. */
  readonly cacheMs: number;
}

/** More users than one page shows, and no more memory than a few megabytes. */
const MOST_KEPT = 10_000;

/** A reading that somebody waits for. */
interface Reading {
  readonly flags: Promise<SafeAuthFlags>;
  readonly deadlineMs: number;
}

/**
 * Reads of users' protections, one call of CAM each, which all operations of this process share. Whoever asks while
 * the same user is being read gets that reading. A change of the user ends that, so that nobody is told afterwards
 * what was so before; changes by other replicas show when what is kept is over.
 */
export class FlagReads {
  readonly #deps: FlagReadsDeps;
  readonly #underWay = new Map<Uin, Reading>();
  readonly #kept: LRUCache<Uin, SafeAuthFlags> | undefined;

  constructor(deps: FlagReadsDeps) {
    const { cacheMs, clock } = deps;
    this.#deps = deps;
    if (cacheMs > 0) {
      const perf = { now: () => clock.monotonic() };
      this.#kept = new LRUCache({ max: MOST_KEPT, ttl: cacheMs, ttlResolution: 0, perf });
    }
  }

  /** @throws CamError, GatewayError as CamClient.call. */
  async read(opUin: Uin, options: CamCallOptions): Promise<SafeAuthFlags> {
    const kept = this.#kept?.get(opUin);
    if (kept !== undefined) return kept;
    const underWay = this.#underWay.get(opUin);
    if (underWay === undefined) return this.#begin(opUin, options);
    try {
      return await underWay.flags;
    } catch (error) {
      // It may have failed for want of time, of which there is more here.
      if (underWay.deadlineMs >= options.deadlineMs) throw error;
      return this.read(opUin, options);
    }
  }

  /** The user is being changed, or was: what has been read is no longer so. */
  drop(opUin: Uin): void {
    this.#underWay.delete(opUin);
    this.#kept?.delete(opUin);
  }

  #begin(opUin: Uin, options: CamCallOptions): Promise<SafeAuthFlags> {
    const flags = this.#deps.cam
      .call(describeSafeAuthFlagColl, { subUin: opUin }, options)
      .then(({ output }) => output);
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
