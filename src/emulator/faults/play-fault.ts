import { STATUS_CODES } from "node:http";
import type { SignedContext } from "../actions/action-definition.ts";
import { CamRefusal, refusals } from "../cam-refusals.ts";
import type { Fault } from "../fault-plan.ts";
import type { SeededRandom } from "../seeded-random.ts";
import { type Delivery, JSON_TYPE, jsonReply } from "../wire/deliver.ts";

/** The parts of a call that a fault changes and the action itself carries out. */
export type Disturbance = Partial<Pick<SignedContext, "readLagMs" | "listOddity">>;

interface FaultStage {
  /**
   * Runs the call and returns the envelope of its reply. Called at most once, and never together with performLater.
   *
   * @param disturbance the lag of reads behind writes in milliseconds, or the oddity of a list. None by default.
   */
  perform(disturbance?: Disturbance): string;
  /** Runs the call after a delay, in milliseconds. */
  performLater(afterMs: number): void;
  /** Returns the envelope of a refusal. */
  refuse(refusal: CamRefusal): string;
  ratePerSecond: number;
  random: SeededRandom;
}

const HTML = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>";

/** Returns the answer to a call that a fault affects. The fault's delay is already over. */
export function playFault(fault: Fault, stage: FaultStage): Delivery {
  const afterMs = "applyAfterMs" in fault ? fault.applyAfterMs : 0;
  if (appliesToo(fault) && afterMs > 0) stage.performLater(afterMs);
  const performed = appliesToo(fault) && afterMs === 0 ? stage.perform() : undefined;
  switch (fault.kind) {
    case "delay":
      return jsonReply(performed ?? "");
    case "staleRead":
      return jsonReply(stage.perform({ readLagMs: fault.lagMs }));
    case "oddList":
      return jsonReply(stage.perform({ listOddity: fault.oddity }));
    case "throttle":
      return jsonReply(stage.refuse(refusals.throttled(stage.ratePerSecond + 1, stage.ratePerSecond)));
    case "camError":
      return jsonReply(stage.refuse(new CamRefusal(fault.code, fault.message ?? `Emulated ${fault.code}.`)));
    case "httpStatus":
      return {
        kind: "reply",
        status: fault.status,
        contentType: "text/html",
        body: statusPage(fault.status),
      };
    case "silence":
      return { kind: "silence" };
    case "cutBefore":
    case "cutAfter":
      return { kind: "cut" };
    case "garbageBody":
      return { kind: "reply", status: 200, contentType: JSON_TYPE, body: stage.random.bytes(256) };
    case "truncatedJson": {
      const whole = performed ?? stage.refuse(refusals.internalError());
      return jsonReply(whole.slice(0, Math.floor(whole.length / 2)));
    }
    case "emptyBody":
      return jsonReply("");
    case "emptyObject":
      return jsonReply("{}");
    case "htmlBody":
      return { kind: "reply", status: 200, contentType: "text/html", body: HTML };
    case "wrongContentType": {
      const body = performed ?? stage.refuse(refusals.internalError());
      return { kind: "reply", status: 200, contentType: fault.contentType, body };
    }
    case "hugeBody":
      return { kind: "padding", bytes: fault.bytes };
  }
}

function appliesToo(fault: Fault): boolean {
  if (fault.kind === "delay" || fault.kind === "cutAfter") return true;
  return "apply" in fault && fault.apply;
}

function statusPage(status: number): string {
  const text = `${status} ${STATUS_CODES[status] ?? "Unknown"}`;
  return `<html><head><title>${text}</title></head><body><h1>${text}</h1></body></html>`;
}
