import { elementOf } from "./element-of.ts";

const MAX_UIN = 2n ** 64n - 1n;

/** What was typed cannot be an id, so nothing was sent. */
export class NotAUin extends Error {}

const input = () => elementOf("op-uin", HTMLInputElement);

/** The id in the form, without the blanks around it, and the account of a user who was chosen. Throws NotAUin. */
export function typedUser(): { readonly opUin: string; readonly account?: string } {
  const opUin = input().value.trim();
  if (!/^[1-9][0-9]*$/.test(opUin) || BigInt(opUin) > MAX_UIN) throw new NotAUin();
  const { account } = input().dataset;
  return { opUin, ...(account === undefined ? {} : { account }) };
}

export function chooseUser({ opUin, account }: { readonly opUin: string; readonly account: string }): void {
  input().value = opUin;
  input().dataset["account"] = account;
}

/** A typed id means a user of the default account. */
export function forgetAccount(): void {
  delete input().dataset["account"];
}
