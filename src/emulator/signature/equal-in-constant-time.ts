import { timingSafeEqual } from "node:crypto";

/** Compares without telling by its duration where two texts part. Their lengths are no secret. */
export function equalInConstantTime(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}
