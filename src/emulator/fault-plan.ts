import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { LIST_ODDITIES, type SignedContext } from "./actions/action-definition.ts";
import { ACTIONS } from "./actions/find-action.ts";
import { CamRefusal, refusals } from "./cam-refusals.ts";
import type { SeededRandom } from "./emulator-clock.ts";
import { parseInput } from "./input-problems.ts";
import { uinSchema } from "./seed.ts";
import { type Delivery, JSON_TYPE, jsonReply } from "./wire/deliver.ts";

const aim = {
  /** Affects calls of this action only; all actions by default. */
  action: z.enum(ACTIONS.map((action) => action.name)).optional(),
  /** Affects only calls that name this user. */
  opUin: uinSchema.optional(),
  /** Number of matching calls that pass before the fault takes effect. */
  skip: z.int().nonnegative().default(0),
  /** Number of calls that the fault affects; without a number it stays until deleted. */
  times: z.int().positive().optional(),
  /** Probability that the fault affects a matching call, drawn from the seeded stream. */
  probability: z.number().gt(0).max(1).default(1),
  /** Delay before the answer, in milliseconds of real time. */
  delayMs: z.int().nonnegative().max(600_000).default(0),
};
/** Whether the call takes effect in spite of the fault, and how long after it by the emulator's clock. */
const effect = (byDefault: boolean) => ({
  apply: z.boolean().default(byDefault),
  applyAfterMs: z.int().nonnegative().max(86_400_000).default(0),
});

/** The kinds of faults. The default of `apply` says whether the fault happens before or after the write. */
const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("throttle"), ...aim }),
  z.strictObject({
    kind: z.literal("camError"),
    code: z.string().min(1),
    message: z.string().optional(),
    ...effect(false),
    ...aim,
  }),
  z.strictObject({
    kind: z.literal("httpStatus"),
    status: z.int().min(201).max(599),
    ...effect(false),
    ...aim,
  }),
  z.strictObject({ kind: z.literal("delay"), ...aim, delayMs: z.int().positive().max(600_000) }),
  z.strictObject({ kind: z.literal("staleRead"), lagMs: z.int().positive().max(86_400_000), ...aim }),
  z.strictObject({ kind: z.literal("oddList"), oddity: z.enum(LIST_ODDITIES), ...aim }),
  z.strictObject({ kind: z.literal("silence"), ...effect(false), ...aim }),
  z.strictObject({ kind: z.literal("cutBefore"), ...aim }),
  z.strictObject({ kind: z.literal("cutAfter"), ...aim }),
  z.strictObject({ kind: z.literal("garbageBody"), ...effect(false), ...aim }),
  z.strictObject({ kind: z.literal("truncatedJson"), ...effect(true), ...aim }),
  z.strictObject({ kind: z.literal("emptyBody"), ...effect(false), ...aim }),
  z.strictObject({ kind: z.literal("emptyObject"), ...effect(false), ...aim }),
  z.strictObject({ kind: z.literal("htmlBody"), ...effect(false), ...aim }),
  z.strictObject({
    kind: z.literal("wrongContentType"),
    contentType: z.string().default("text/plain"),
    ...effect(true),
    ...aim,
  }),
  z.strictObject({
    kind: z.literal("hugeBody"),
    bytes: z
      .int()
      .positive()
      .max(1_000_000_000)
      .default(20 * 1024 * 1024),
    ...effect(false),
    ...aim,
  }),
]);

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
export type FaultKind = Fault["kind"];
/** An active fault with its counters. */
export type FaultView = Fault & { id: string; struck: number };

interface PlannedFault {
  id: string;
  fault: Fault;
  passed: number;
  struck: number;
}

/** The active faults. At most one affects a call: the first that matches and is not used up. */
export class FaultPlan {
  readonly #random: SeededRandom;
  #planned: PlannedFault[] = [];
  #lastId = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  add(input: unknown): FaultView {
    const fault = parseInput(faultSchema, input, "The fault is not valid");
    this.#lastId += 1;
    const planned = { id: `fault-${this.#lastId}`, fault, passed: 0, struck: 0 };
    this.#planned.push(planned);
    return view(planned);
  }

  list(): FaultView[] {
    return this.#planned.map(view);
  }

  /** Removes one fault, or all. Returns false for an unknown id. */
  remove(id?: string): boolean {
    const before = this.#planned.length;
    this.#planned = id === undefined ? [] : this.#planned.filter((planned) => planned.id !== id);
    return id === undefined || this.#planned.length < before;
  }

  strike(action: string, uins: readonly string[]): Fault | undefined {
    return this.#planned.find((planned) => this.#strikes(planned, action, uins))?.fault;
  }

  #strikes(planned: PlannedFault, action: string, uins: readonly string[]): boolean {
    const { fault } = planned;
    if (fault.action !== undefined && fault.action !== action) return false;
    if (fault.opUin !== undefined && !uins.includes(fault.opUin)) return false;
    if (fault.times !== undefined && planned.struck >= fault.times) return false;
    if (planned.passed < fault.skip) {
      planned.passed += 1;
      return false;
    }
    if (fault.probability < 1 && this.#random.next() >= fault.probability) return false;
    planned.struck += 1;
    return true;
  }
}

function view({ id, fault, struck }: PlannedFault): FaultView {
  return { id, ...fault, struck };
}

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
