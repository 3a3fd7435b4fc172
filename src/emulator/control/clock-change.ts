import { z } from "zod";

/** Applied in this order: offset, freeze or resume, advance. */
export const clockChangeSchema = z
  .strictObject({
    /** Sets the wall clock wrong by so much; the monotonic hand does not move. */
    offsetMs: z.int().optional(),
    /** True stops both hands, false lets them run. */
    frozen: z.boolean().optional(),
    /** Where the wall clock stands when it is stopped: milliseconds since the epoch. */
    atMs: z.int().nonnegative().optional(),
    /** Moves both hands forward. */
    advanceMs: z.number().nonnegative().optional(),
  })
  .refine((change) => change.atMs === undefined || change.frozen === true, {
    path: ["atMs"],
    message: "only means something together with frozen: true",
  });

export type ClockChange = z.input<typeof clockChangeSchema>;
