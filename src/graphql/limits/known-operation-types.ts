import { type ASTVisitor, GraphQLError, type ValidationContext } from "graphql";

/**
 * Refuses an operation of a type that the schema does not have. GraphQL 16 notices it only while executing, where
 * it looks like a fault of ours.
 */
export function knownOperationTypesRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      if (context.getSchema().getRootType(operation.operation)) return;
      context.reportError(new GraphQLError(`There is no ${operation.operation} here.`, { nodes: operation }));
    },
  };
}
