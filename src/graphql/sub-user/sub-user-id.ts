import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { parseUin, type Uin } from "../../contract/index.ts";

/** A user of an account. */
export interface SubUserName {
  readonly account: string;
  readonly opUin: Uin;
}

/** One text for both: the Uin, with the account before it unless it is the default one. */
export function toSubUserId({ account, opUin }: SubUserName): string {
  return account === DEFAULT_ACCOUNT ? opUin : `${account}/${opUin}`;
}

/** Undefined for what is the id of nobody. Whether there is such an account is another question. */
export function parseSubUserId(id: unknown): SubUserName | undefined {
  if (typeof id !== "string") return undefined;
  const slash = id.lastIndexOf("/");
  const opUin = parseUin(id.slice(slash + 1));
  if (opUin === undefined) return undefined;
  return { account: slash < 0 ? DEFAULT_ACCOUNT : id.slice(0, slash), opUin };
}
