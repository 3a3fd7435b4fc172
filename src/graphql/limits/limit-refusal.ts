import { GraphQLError } from "graphql";

/** Refuses an operation for what it asks, as validation does: with HTTP 400, or 200 as plain JSON, and never with 500. */
export function limitRefusal(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", http: { status: 400 } },
  });
}
