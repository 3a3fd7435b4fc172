import type { CallerPause, CallerPauses } from "../audit/caller-pauses.ts";
import { type Caller, type CallerIdentity, isSamePerson } from "../auth/caller.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import { recordedCaller } from "./record-change.ts";

export interface PausedCallersDeps {
  readonly pauses: Pick<CallerPauses, "isPaused" | "list" | "resume">;
  readonly observer?: PausedCallersObserver;
}

export interface PausedCallersObserver {
  onCallerResumed(pause: CallerPause): void;
  /** Called once for each pause, in the replica whose request caused it. */
  onCallerPaused(caller: CallerIdentity, opUin: Uin): void;
}

/**
 * Refuses paused callers before they cost calls to CAM. The database decides which callers are paused. This class
 * remembers the callers that the database refused, and checks only those in the database before a call to CAM.
 */
export class PausedCallers {
  readonly #deps: PausedCallersDeps;
  readonly #refused = new Set<string>();

  constructor(deps: PausedCallersDeps) {
    this.#deps = deps;
  }

  /** Returns the current pauses, the latest first. */
  list(): Promise<readonly CallerPause[]> {
    return this.#deps.pauses.list();
  }

  /**
   * Ends the pause of a caller. Returns undefined if another operator already ended it.
   * @throws GatewayError FORBIDDEN if the paused callers would resume themselves.
   */
  async resume({ id, subject }: CallerPause, by: CallerIdentity): Promise<CallerPause | undefined> {
    if (isSamePerson({ subject }, by)) {
      const hint = "Paused callers cannot resume themselves.";
      throw new GatewayError("FORBIDDEN", { hint, rule: "resume by another" });
    }
    const resumed = await this.#deps.pauses.resume(id, recordedCaller(by));
    if (resumed !== undefined) this.#deps.observer?.onCallerResumed(resumed);
    return resumed;
  }

  /**
   * Refuses a caller who was refused here before, until an operator resumes the caller.
   * @throws GatewayError CALLER_PAUSED
   */
  async requireResumed(caller: CallerIdentity, opUin: Uin): Promise<void> {
    const name = nameOf(caller);
    if (!this.#refused.has(name)) return;
    const { subject, issuer } = caller;
    if (await this.#deps.pauses.isPaused({ subject, issuer })) {
      throw new GatewayError("CALLER_PAUSED", { opUin, rule: "bulk guard" });
    }
    this.#refused.delete(name);
  }

  /** Refuses a caller by the database's verdict. @throws GatewayError CALLER_PAUSED */
  refuse(caller: Caller, opUin: Uin, verdict: "PAUSED" | "PAUSES"): never {
    this.#refused.add(nameOf(caller));
    if (verdict === "PAUSES") this.#deps.observer?.onCallerPaused(caller, opUin);
    throw new GatewayError("CALLER_PAUSED", { opUin, rule: "bulk guard" });
  }
}

function nameOf({ subject, issuer }: CallerIdentity): string {
  return JSON.stringify([subject, issuer]);
}
