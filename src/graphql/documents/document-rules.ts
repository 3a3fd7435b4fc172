import {
  type ASTVisitor,
  ExecutableDefinitionsRule,
  FragmentsOnCompositeTypesRule,
  GraphQLError,
  KnownDirectivesRule,
  KnownFragmentNamesRule,
  NoFragmentCyclesRule,
  NoUndefinedVariablesRule,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  PossibleFragmentSpreadsRule,
  specifiedRules,
  UniqueDirectivesPerLocationRule,
  UniqueFragmentNamesRule,
  UniqueVariableNamesRule,
  type ValidationContext,
  type ValidationRule,
  VariablesAreInputTypesRule,
  VariablesInAllowedPositionRule,
} from "graphql";

/** Rules that checkDocumentSize has already enforced. */
const ENFORCED_BEFORE: readonly ValidationRule[] = [
  ExecutableDefinitionsRule,
  KnownFragmentNamesRule,
  NoFragmentCyclesRule,
  UniqueFragmentNamesRule,
];

/** Rules that only a document with this text can break. Skipping them otherwise halves the time for a long document. */
const NEEDED_BY: ReadonlyMap<ValidationRule, string> = new Map([
  [NoUndefinedVariablesRule, "$"],
  [NoUnusedVariablesRule, "$"],
  [UniqueVariableNamesRule, "$"],
  [VariablesAreInputTypesRule, "$"],
  [VariablesInAllowedPositionRule, "$"],
  [FragmentsOnCompositeTypesRule, "..."],
  // Not "...", because the rule is about fragments that are defined and never spread.
  [NoUnusedFragmentsRule, "fragment"],
  [PossibleFragmentSpreadsRule, "..."],
  [KnownDirectivesRule, "@"],
  [UniqueDirectivesPerLocationRule, "@"],
]);

/**
 * Returns those rules of GraphQL that the document can break, and the gateway's own rules.
 *
 * @param introspection Whether callers may read the schema.
 */
export function documentRules(text: string, introspection: boolean): readonly ValidationRule[] {
  const specified = specifiedRules.filter(
    (rule) => !ENFORCED_BEFORE.includes(rule) && text.includes(NEEDED_BY.get(rule) ?? ""),
  );
  return [...specified, knownOperationTypesRule, ...(introspection ? [] : [noIntrospectionRule])];
}

/**
 * Refuses an operation of a type that the schema does not have. GraphQL 16 reports it only during execution, as an
 * internal error.
 */
function knownOperationTypesRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      if (context.getSchema().getRootType(operation.operation)) return;
      context.reportError(
        new GraphQLError(`The schema has no ${operation.operation}.`, { nodes: operation }),
      );
    },
  };
}

/** Refuses introspection. Clients of Apollo Server recognise the refusal by its extension. */
function noIntrospectionRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value !== "__schema" && node.name.value !== "__type") return;
      context.reportError(
        new GraphQLError("Introspection is off. The gateway's documentation has the schema.", {
          nodes: node,
          extensions: { validationErrorCode: "INTROSPECTION_DISABLED" },
        }),
      );
    },
  };
}
