import { z } from "zod";
import { parseUin, type Uin } from "../../contract/index.ts";

/** An action of API 3.0, with the serializer of its request and the parser of its reply. */
export interface CamAction<Input, Output> {
  /** The value of X-TC-Action. */
  readonly name: string;
  /** The value of X-TC-Version. */
  readonly version: string;
  /** The product: the first label of its host and the service of the signature. */
  readonly service: "cam" | "sts";
  /**
   * The gateway may repeat a read at any time. If the reply of a write is lost, the gateway must find out the outcome
   * before it repeats the write.
   */
  readonly access: "read" | "write";
  /** The gateway does not sign the action, because it has no key yet. */
  readonly unsigned?: true;
  /** Returns the only user of a call. Undefined if the call has no user or several. */
  userOf?(input: Input): Uin | undefined;
  /** Returns the JSON body. Writes integers that exceed a JS number exactly. */
  serialize(input: Input): string;
  /**
   * Parses CAM's `Response` object. Its integers are exact: numbers or bigints.
   * @throws ZodError if a field that the action promises is missing or has another type.
   */
  parse(response: unknown): Output;
}

export const CAM_VERSION = "2019-01-16";
export const STS_VERSION = "2018-08-13";

/** A Uin in a reply of CAM: a JSON integer, or a string of digits in CAM's older documentation. */
export const wireUin = z.union([z.number(), z.bigint(), z.string()]).transform((value, context): Uin => {
  const uin = parseUin(value);
  if (uin === undefined) {
    context.addIssue({ code: "custom", message: "not a Uin" });
    return z.NEVER;
  }
  return uin;
});

/** An integer flag in a reply of CAM: 1 is on, 0 is off. Undefined if CAM omits it or sends null. */
export const wireFlag = z
  .union([z.number(), z.bigint()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? undefined : Number(value) !== 0));

/** A text in a reply of CAM. Undefined if CAM omits it, sends null or sends an empty text. */
export const wireText = z
  .string()
  .nullish()
  .transform((value) => value || undefined);
