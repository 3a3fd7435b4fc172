import { parseUin, type Uin } from "../../contract/index.ts";

/** From and to, both included. */
export interface UinRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** A Uin, or two with a dash between them; undefined for anything else. */
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
