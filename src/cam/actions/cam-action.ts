import { z } from "zod";
import { parseUin, type Uin } from "../../contract/index.ts";

/** One action of API 3.0: how its request is written and its answer read. */
export interface CamAction<Input, Output> {
  /** X-TC-Action, as CAM spells it. */
  readonly name: string;
  /** X-TC-Version. */
  readonly version: string;
  /** The product: the first label of its host and the service of the signature. */
  readonly service: "cam" | "sts";
  /** Reads may be repeated freely; a write whose reply is lost must be resolved first. */
  readonly access: "read" | "write";
  /** Made without a key, by callers that have none yet. */
  readonly unsigned?: true;
  /** The one user that a call is about; undefined for none or several. */
  userOf?(input: Input): Uin | undefined;
  /** The JSON body. Integers that exceed a JS number are written exactly. */
  serialize(input: Input): string;
  /**
   * Reads CAM's `Response` object, its integers exact (number or bigint).
   * @throws ZodError where a field that the action promises is missing or of another type.
   */
  parse(response: unknown): Output;
}

export const CAM_VERSION = "2019-01-16";
export const STS_VERSION = "2018-08-13";

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
