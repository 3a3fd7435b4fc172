import { z } from "zod";

const UIN_MAX = 2n ** 64n - 1n;

/** A Uin is a decimal string in every file and control call: JSON readers round long integers. */
export const uinSchema = z
  .string()
  .regex(/^[1-9]\d{0,19}$/, "must be a decimal string without leading zeros")
  .refine((text) => /^\d+$/.test(text) && BigInt(text) <= UIN_MAX, "must be at most 2^64-1");
