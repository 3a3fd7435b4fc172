import { parseUin, type Uin } from "../../contract/index.ts";

/**
 * Returns whether a text matches a pattern. `*` matches any characters or none. Every other character matches itself.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  // The leftmost match of each part leaves most room for the parts that follow.
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}

export function matchesSome(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, text));
}

/** A range of Uins that includes both ends. */
export interface UinRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** Parses a Uin, or two Uins with a dash between them. Returns undefined for anything else. */
export function parseUinRange(text: string): UinRange | undefined {
  const [from, to, ...more] = text.split("-").map((part) => parseUin(part));
  if (from === undefined || more.length > 0) return undefined;
  if (!text.includes("-")) return { from: BigInt(from), to: BigInt(from) };
  if (to === undefined || BigInt(to) < BigInt(from)) return undefined;
  return { from: BigInt(from), to: BigInt(to) };
}

export function isInSome(ranges: readonly UinRange[], uin: Uin): boolean {
  const number = BigInt(uin);
  return ranges.some(({ from, to }) => from <= number && number <= to);
}
