import { GraphQLError } from "graphql";

/** What an argument is that the schema's types let through and the field cannot use. */
export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } });
}
