import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { parseUin, type Uin } from "../../contract/index.ts";

/** A user of an account. */
export interface SubUserName {
  readonly account: string;
  readonly opUin: Uin;
}

/** Returns the id of a user: the Uin, with the account and a slash before it unless it is the default account. */
export function toSubUserId({ account, opUin }: SubUserName): string {
  return account === DEFAULT_ACCOUNT ? opUin : `${account}/${opUin}`;
}

/** Returns the user that an id names, or undefined for a malformed id. Does not check whether the account exists. */
export function parseSubUserId(id: unknown): SubUserName | undefined {
  if (typeof id !== "string") return undefined;
  const slash = id.lastIndexOf("/");
  const opUin = parseUin(id.slice(slash + 1));
  if (opUin === undefined) return undefined;
  return { account: slash < 0 ? DEFAULT_ACCOUNT : id.slice(0, slash), opUin };
}
