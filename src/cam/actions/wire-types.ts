import { z } from "zod";
import { parseUin, type Uin } from "../../contract/index.ts";

/** A Uin as CAM sends it: a JSON integer, or in older pages a string of digits. */
export const wireUin = z.union([z.number(), z.bigint(), z.string()]).transform((value, context): Uin => {
  const uin = parseUin(value);
  if (uin === undefined) {
    context.addIssue({ code: "custom", message: "not a Uin" });
    return z.NEVER;
  }
  return uin;
});

/** CAM's integer flags: 1 is on, 0 is off; a key that CAM leaves out says nothing. */
export const wireFlag = z
  .union([z.number(), z.bigint()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? undefined : Number(value) !== 0));

/** Text that CAM may leave out, send as null or send empty; all three mean that there is none. */
export const wireText = z
  .string()
  .nullish()
  .transform((value) => value || undefined);
