import { elementOf } from "./element-of.ts";

const MAX_UIN = 2n ** 64n - 1n;

/** What was typed cannot be an id, so nothing was sent. */
export class NotAUin extends Error {}

/** The id in the form, without the blanks around it. Throws NotAUin. */
export function typedUin(): string {
  const uin = elementOf("op-uin", HTMLInputElement).value.trim();
  if (!/^[1-9][0-9]*$/.test(uin) || BigInt(uin) > MAX_UIN) throw new NotAUin();
  return uin;
}
