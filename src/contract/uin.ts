/**
 * The id of an account or a user of Tencent Cloud: a 64-bit unsigned integer, always held as a decimal string,
 * because a JavaScript number loses digits beyond 2^53.
 */
export type Uin = string & { readonly __uin: unique symbol };

const DECIMAL = /^[1-9][0-9]{0,19}$/;
const MAX_TEXT = "18446744073709551615";
const MAX = BigInt(MAX_TEXT);

/** Whether a string is already in the one form in which we hold a Uin. */
export function isUin(value: unknown): value is Uin {
  if (typeof value !== "string" || !DECIMAL.test(value)) return false;
  return value.length < MAX_TEXT.length || value <= MAX_TEXT; // Of equal length, decimals sort as their values do.
}

/**
 * The Uin that a string, a bigint or a safe integer denotes, or undefined. Strings are taken as they are: no
 * blanks, signs, leading zeros, exponents or other bases. `explainUin` says what is wrong with the rest.
 */
export function parseUin(value: unknown): Uin | undefined {
  if (isUin(value)) return value;
  if (typeof value === "bigint" && value > 0n && value <= MAX) return String(value) as Uin;
  if (Number.isSafeInteger(value) && (value as number) > 0) return String(value) as Uin;
  return undefined;
}
