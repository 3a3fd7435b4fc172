import { z } from "zod";
import { uinSchema } from "../account/uin-schema.ts";
import { ACTIONS } from "../actions/find-action.ts";

const aim = {
  /** Strikes only calls of this action; every action without it. */
  action: z.enum(ACTIONS.map((action) => action.name)).optional(),
  /** Strikes only calls that name this user. */
  opUin: uinSchema.optional(),
  /** How many calls it lets pass before it strikes. */
  skip: z.int().nonnegative().default(0),
  /** How many calls it strikes before it is spent; without it, it stays until deleted. */
  times: z.int().positive().optional(),
  /** The chance that it strikes a call it is aimed at, drawn from the seeded stream. */
  probability: z.number().gt(0).max(1).default(1),
  /** Waits this long first, in real time. */
  delayMs: z.int().nonnegative().max(600_000).default(0),
};
/** Whether the call takes effect although its reply is spoilt; so long after it, by the emulator's clock. */
const effect = (byDefault: boolean) => ({
  apply: z.boolean().default(byDefault),
  applyAfterMs: z.int().nonnegative().max(86_400_000).default(0),
});

/** What can go wrong. Each kind says by its default of `apply` where it is thought to happen. */
export const faultSchema = z.discriminatedUnion("kind", [
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
/** A fault that is set, with what it has done so far. */
export type FaultView = Fault & { id: string; struck: number };
