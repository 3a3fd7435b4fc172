import {
  type DocumentNode,
  type GraphQLSchema,
  getVariableValues,
  type OperationDefinitionNode,
} from "graphql";
import { type ComplexityEstimator, getComplexity } from "graphql-query-complexity";
import { MAX_TOKENS } from "./document-rules.ts";
import { limitRefusal } from "./limit-refusal.ts";

export interface Operation {
  readonly document: DocumentNode;
  /** Of the document's operations, the one that is asked for. */
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** More than that only fragments can make of a document, each of which counts wherever it is used. */
const MAX_SELECTIONS = MAX_TOKENS;

/** Whether the variables are what the operation declares. Where not, executing it says so, and calls nothing. */
export function hasValidVariables(schema: GraphQLSchema, { operation, variables }: Operation): boolean {
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, {
    maxErrors: 1,
  });
  return errors === undefined;
}

/**
 * Adds up what an estimator says of each field of a valid operation.
 *
 * @throws GraphQLError where fragments make so much of it that even adding up takes too long.
 */
export function measureOperation(
  schema: GraphQLSchema,
  { document, operation, variables }: Operation,
  estimator: ComplexityEstimator,
): number {
  try {
    return getComplexity({
      schema,
      query: document,
      variables,
      estimators: [estimator],
      maxQueryNodes: MAX_SELECTIONS,
      ...(operation.name === undefined ? {} : { operationName: operation.name.value }),
    });
  } catch {
    // Of a valid operation it can say nothing else.
    throw limitRefusal(
      `The operation selects more than ${MAX_SELECTIONS} fields, counting those of a fragment wherever it is used. Ask ` +
        "for less at a time.",
    );
  }
}
