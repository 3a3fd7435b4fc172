import type { CallerPause, CallerPauses } from "../audit/caller-pauses.ts";
import type { Caller, CallerIdentity } from "../auth/caller.ts";
import { isSamePerson } from "../auth/subject.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { recordedCaller } from "./record-change.ts";

export interface PausedCallersDeps {
  readonly pauses: Pick<CallerPauses, "isPaused" | "list" | "resume">;
  readonly observer?: PausedCallersObserver;
}

export interface PausedCallersObserver {
  onCallerResumed(pause: CallerPause): void;
  /** Heard once for each pause, in the replica whose request brought it about. */
  onCallerPaused(caller: CallerIdentity, opUin: Uin): void;
}

/**
 * Keeps paused callers from what costs anything. The database decides; this remembers whom it refused, so that only
 * they are asked about before CAM is.
 */
export class PausedCallers {
  readonly #deps: PausedCallersDeps;
  readonly #refused = new Set<string>();

  constructor(deps: PausedCallersDeps) {
    this.#deps = deps;
  }

  /** Who is paused now, the latest first. */
  list(): Promise<readonly CallerPause[]> {
    return this.#deps.pauses.list();
  }

  /**
   * Lets a paused caller go on. Undefined where another operator was quicker.
   * @throws GatewayError FORBIDDEN where the caller would resume themselves.
   */
  async resume({ id, subject }: CallerPause, by: CallerIdentity): Promise<CallerPause | undefined> {
    if (isSamePerson({ subject }, by)) {
      throw new GatewayError("FORBIDDEN", { hint: "Whoever is paused cannot resume themselves." });
    }
    const resumed = await this.#deps.pauses.resume(id, recordedCaller(by));
    if (resumed !== undefined) this.#deps.observer?.onCallerResumed(resumed);
    return resumed;
  }

  /** @throws GatewayError CALLER_PAUSED for a caller who was refused here, until an operator resumes them. */
  async requireResumed(caller: CallerIdentity, opUin: Uin): Promise<void> {
    const name = nameOf(caller);
    if (!this.#refused.has(name)) return;
    const { subject, issuer } = caller;
    if (await this.#deps.pauses.isPaused({ subject, issuer })) {
      throw new GatewayError("CALLER_PAUSED", { opUin });
    }
    this.#refused.delete(name);
  }

  /** @throws GatewayError CALLER_PAUSED, as the database has said. */
  refuse(caller: Caller, opUin: Uin, verdict: "PAUSED" | "PAUSES"): never {
    this.#refused.add(nameOf(caller));
    if (verdict === "PAUSES") this.#deps.observer?.onCallerPaused(caller, opUin);
    throw new GatewayError("CALLER_PAUSED", { opUin });
  }
}

function nameOf({ subject, issuer }: CallerIdentity): string {
  return JSON.stringify([subject, issuer]);
}
