import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { explainUin, parseUin, type Uin } from "../contract/index.ts";

/** What an argument is that the schema's types let through and the field cannot use. */
export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } });
}

/** The argument by which a caller names an account, wherever one can. */
export const accountOptions = {
  nullable: true,
  description:
    "The account whose user it is, by its name in the gateway. Left out or null: the default account.",
} as const;

export const LONGEST_REASON = 500;

/**
 * Controls, halves of characters, and what turns text around or hides in it: a person who approves a change or reads the
 * record would see something else than it says. Joiners are part of some scripts and of emoji, and stay.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

/** A reason as it goes on record: without blanks around it, and undefined where nothing is said. */
export function toReason(text: string | null | undefined): string | undefined {
  const reason = text?.trim() ?? "";
  if (reason === "") return undefined;
  const unseen = UNSEEN.exec(reason)?.[0];
  if (unseen !== undefined) {
    throw badInput(`"reason" contains ${nameOf(unseen)}, which readers cannot see.`);
  }
  if (reason.length > LONGEST_REASON) throw badInput(`"reason" is longer than ${LONGEST_REASON} characters.`);
  return reason;
}

function nameOf(character: string): string {
  return `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** @param node Where it stands in the document, if it does. */
function toUin(value: unknown, node?: ValueNode): Uin {
  const uin = parseUin(value);
  if (uin === undefined) throw new GraphQLError(explainUin(value), { nodes: node ?? null });
  return uin;
}

export const UinScalar = new GraphQLScalarType<Uin, string>({
  name: "Uin",
  description:
    "The id of a Tencent Cloud account or user: an unsigned 64-bit integer from 1 on, returned as a string of " +
    'digits such as "100021969091". In a document it may be written as a string or as an integer; in JSON ' +
    "variables send it as a string, because most JSON libraries round integers beyond 2^53.",
  serialize: (value) => toUin(value),
  parseValue: (value) => toUin(value),
  parseLiteral: (node) => {
    // The literal's own digits: going through a number would round the large ones.
    if (node.kind === Kind.STRING || node.kind === Kind.INT) return toUin(node.value, node);
    throw new GraphQLError('A Uin is written as a string of digits, for example "100021969091".', {
      nodes: node,
    });
  },
});
