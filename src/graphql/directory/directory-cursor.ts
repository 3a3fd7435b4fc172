import { createHash } from "node:crypto";
import { isAccountName } from "../../auth/accounts.ts";
import { isUin } from "../../contract/index.ts";
import type { ListPosition, OrderField } from "../../directory/directory.ts";
import { badInput } from "../arguments.ts";

/** The form of the value that each order compares. PostgreSQL reads every such text. */
const KEYS: Readonly<Record<OrderField, RegExp>> = {
  NAME: /^[^\0\p{Cs}]*$/u,
  LAST_LOGIN: /^[^\0\p{Cs}]*$/u,
  CREATED: /^[^\0\p{Cs}]*$/u,
  STRENGTH: /^-?\d$/,
  PROTECTIONS_AS_OF: /^-?\d{1,18}$/,
};

/**
 * Returns the cursor of a position in a list. It is a place in the order and not a number of users, so it stays right while
 * a scan adds and removes users. It fits the same list only.
 * @param list The arguments that decide which list it is.
 */
export function encodeCursor({ key, account, opUin }: ListPosition, list: object): string {
  const position = JSON.stringify([key, account, opUin]);
  return Buffer.from(`${digestOf(position, list)}${position}`).toString("base64url");
}

/** Returns the position of a cursor. @throws GraphQLError BAD_USER_INPUT for a cursor of another list, or no cursor. */
export function decodeCursor(cursor: string, list: object, field: OrderField): ListPosition {
  const text = Buffer.from(cursor, "base64url").toString();
  const [digest, position] = [text.slice(0, DIGITS), text.slice(DIGITS)];
  if (digest !== digestOf(position, list)) throw foreign();
  const parts: unknown = JSON.parse(position);
  if (!Array.isArray(parts) || parts.length !== 3) throw foreign();
  const [key, account, opUin]: readonly unknown[] = parts;
  const isPosition =
    typeof key === "string" && KEYS[field].test(key) && typeof account === "string" && isAccountName(account);
  if (!isPosition || !isUin(opUin)) throw foreign();
  return { key, account, opUin };
}

const DIGITS = 16;

function digestOf(position: string, list: object): string {
  return createHash("sha256")
    .update(`${JSON.stringify(list)}\n${position}`)
    .digest("hex")
    .slice(0, DIGITS);
}

function foreign(): Error {
  return badInput(
    '"after" is not a cursor of this list. Send a cursor with the accounts, filter and order that it came from, or leave ' +
      '"after" out to start again.',
  );
}
