import { parseUin } from "./uin.ts";

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
