import { type ASTNode, GraphQLError } from "graphql";

/** Refuses an operation for its size, as validation does: with HTTP 400, or 200 as plain JSON, and never with 500. */
export function limitRefusal(message: string, node?: ASTNode): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    ...(node === undefined ? {} : { nodes: node }),
  });
}
