/**
 * The id of an account or a user of Tencent Cloud: a 64-bit unsigned integer. It is always a decimal string, because a
 * JavaScript number loses digits beyond 2^53.
 */
export type Uin = string & { readonly __uin: unique symbol };

const DECIMAL = /^[1-9][0-9]{0,19}$/;
const MAX_TEXT = "18446744073709551615";
const MAX = BigInt(MAX_TEXT);

/** Returns whether a value is a string in the canonical form of a Uin. */
export function isUin(value: unknown): value is Uin {
  if (typeof value !== "string" || !DECIMAL.test(value)) return false;
  return value.length < MAX_TEXT.length || value <= MAX_TEXT; // Decimals of equal length sort by value.
}

/**
 * Returns the Uin of a string, a bigint or a safe integer, or undefined. Accepts strings of digits only: no blanks,
 * signs, leading zeros, exponents or other bases. `explainUin` explains a refusal.
 */
export function parseUin(value: unknown): Uin | undefined {
  if (isUin(value)) return value;
  if (typeof value === "bigint" && value > 0n && value <= MAX) return String(value) as Uin;
  if (Number.isSafeInteger(value) && (value as number) > 0) return String(value) as Uin;
  return undefined;
}

const EXAMPLE = '"100021969091"';
const SHOWN_LENGTH = 40;

/**
 * Returns the reason why `parseUin` refuses a value, and what to send instead. The text is safe to return to the
 * caller: it repeats at most 40 characters of the value, and only printable ones.
 */
export function explainUin(value: unknown): string {
  if (parseUin(value) !== undefined) return "The value is a valid Uin.";
  switch (typeof value) {
    case "string":
      return explainString(value);
    case "number":
      return explainNumber(value);
    case "bigint":
      return explainRange();
    default:
      return `A Uin is a string of decimal digits, not ${kindOf(value)}: send, for example, ${EXAMPLE}.`;
  }
}

function explainString(text: string): string {
  if (text === "") return `The Uin is empty: send its digits, for example ${EXAMPLE}.`;
  if (text.trim() !== text) return `${quote(text)} has blanks around the Uin: send the digits alone.`;
  if (/^[0-9]+$/.test(text)) {
    if (/^0+$/.test(text)) return "A Uin is greater than 0.";
    if (text.startsWith("0")) return `${quote(text)} starts with a zero: send the Uin without leading zeros.`;
    return explainRange();
  }
  return `${quote(text)} is not a Uin: send decimal digits only, for example ${EXAMPLE}.`;
}

function explainNumber(value: number): string {
  if (!Number.isInteger(value)) return `${value} is not a whole number: send the Uin as ${EXAMPLE}.`;
  if (value <= 0) return "A Uin is greater than 0.";
  // JSON has already rounded the digits, so repeating them would mislead.
  return `A number this large loses digits in JSON: send the Uin as a string, for example ${EXAMPLE}.`;
}

function explainRange(): string {
  return "A Uin lies between 1 and 18446744073709551615.";
}

function quote(text: string): string {
  const shown = text.slice(0, SHOWN_LENGTH).replace(/[^\x20-\x7e]/g, "?");
  return text.length > SHOWN_LENGTH ? `"${shown}"…` : `"${shown}"`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return value === undefined ? "undefined" : `a value of type ${typeof value}`;
}
