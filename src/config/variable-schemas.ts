import { z } from "zod";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** A host name with an optional port, as in a Host header. */
export const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i;
export const HOST_NAME_RULE = "must be a host name, with an optional port";

/** A group of variables: a section of --help, of .env.example and of the documentation. */
export interface VariableGroup {
  readonly title: string;
  /** Facts about the whole group. */
  readonly introduction?: string;
  readonly variables: z.ZodRawShape;
}

export const text = z.string().optional();

export const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`)
    .meta({ range: `${minimum} to ${maximum}` });

export const integer = (minimum: number, maximum: number, fallback: number) =>
  wholeNumber(minimum, maximum).default(fallback);

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });

export const sessionName = z
  .string()
  .regex(/^[\w+=,.@-]{2,128}$/, "must be 2 to 128 letters, digits and any of + = , . @ _ -")
  .default("cam-mfa-gateway");

export const region = z.string().regex(/^[a-z]{2}-[a-z0-9-]+$/, "must be a region, for example ap-guangzhou");
