import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { explainUin, parseUin, type Uin } from "../contract/index.ts";

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
