import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { explainUin, parseUin, type Uin } from "../contract/index.ts";

/** Returns the error for a value that fits the schema's types but that the field cannot use. */
export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } });
}

/** The options of every argument that names an account. */
export const accountOptions = {
  nullable: true,
  description: "The name of the account in the gateway. The account `default` if left out or null.",
} as const;

export const LONGEST_REASON = 500;

/**
 * Control characters, halves of surrogate pairs, and characters that reverse or hide text. They would show an approver
 * or a reader of the record a text that differs from the recorded one. Joiners are allowed, because some scripts and
 * emoji need them.
 */
const INVISIBLE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

/**
 * Returns a reason as it is recorded: trimmed, and undefined if it is empty.
 * @param name The argument, if it is another one with the same rules.
 * @throws GraphQLError BAD_USER_INPUT
 */
export function toReason(text: string | null | undefined, name = "reason"): string | undefined {
  const reason = text?.trim() ?? "";
  const invisible = INVISIBLE.exec(reason)?.[0]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  if (invisible !== undefined) throw badInput(`"${name}" contains U+${invisible}, which readers cannot see.`);
  if (reason.length > LONGEST_REASON)
    throw badInput(`"${name}" is longer than ${LONGEST_REASON} characters.`);
  return reason === "" ? undefined : reason;
}

/**
 * Refuses texts that PostgreSQL does not store, so that no row has one.
 * @throws GraphQLError BAD_USER_INPUT
 */
export function requireStorable(texts: Readonly<Record<string, string | null | undefined>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (/[\0\p{Cs}]/u.test(text ?? ""))
      throw badInput(`"${name}" must not contain NUL or half of a surrogate pair.`);
  }
}

/** @param node The place of the value in the document, for a literal. */
function toUin(value: unknown, node?: ValueNode): Uin {
  const uin = parseUin(value);
  if (uin === undefined) throw new GraphQLError(explainUin(value), { nodes: node ?? null });
  return uin;
}

export const UinScalar = new GraphQLScalarType<Uin, string>({
  name: "Uin",
  description:
    "The id of a Tencent Cloud account or user: an unsigned 64-bit integer greater than 0. The gateway returns it as a " +
    'string of digits such as "100021969091". A document can contain it as a string or as an integer. In JSON ' +
    "variables, send a string, because most JSON libraries round integers beyond 2^53.",
  serialize: (value) => toUin(value),
  parseValue: (value) => toUin(value),
  parseLiteral: (node) => {
    // Reads the digits of the literal, because a JavaScript number would round large ones.
    if (node.kind === Kind.STRING || node.kind === Kind.INT) return toUin(node.value, node);
    throw new GraphQLError('A Uin is written as a string of digits, for example "100021969091".', {
      nodes: node,
    });
  },
});

/** A user of an account. */
export interface SubUserRef {
  readonly account: string;
  readonly opUin: Uin;
}

/** Returns the id of a user: the Uin, with the account and a slash before it unless it is the default account. */
export function toSubUserId({ account, opUin }: SubUserRef): string {
  return account === DEFAULT_ACCOUNT ? opUin : `${account}/${opUin}`;
}

/** Returns the user that an id names, or undefined for a malformed id. Does not check whether the account exists. */
export function parseSubUserId(id: unknown): SubUserRef | undefined {
  if (typeof id !== "string") return undefined;
  const slash = id.lastIndexOf("/");
  const opUin = parseUin(id.slice(slash + 1));
  if (opUin === undefined) return undefined;
  return { account: slash < 0 ? DEFAULT_ACCOUNT : id.slice(0, slash), opUin };
}
