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

const EXAMPLE = '"100021969091"';
const SHOWN_LENGTH = 40;

/**
 * A short text that says what is wrong with a value that `parseUin` refuses, and what to send instead. Safe to
 * return to the caller: at most 40 characters of the value are repeated, and none that could disturb a terminal.
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
  // The digits are already wrong when they arrive here, so repeating them would mislead.
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
