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

/** Refused by refuseDocument, which comes before. */
const REFUSED_BEFORE: readonly ValidationRule[] = [
  ExecutableDefinitionsRule,
  KnownFragmentNamesRule,
  NoFragmentCyclesRule,
  UniqueFragmentNamesRule,
];

/** Rules that hold for a document without these characters. Leaving them out halves the time that a long one takes. */
const NEEDED_BY: ReadonlyMap<ValidationRule, string> = new Map([
  [NoUndefinedVariablesRule, "$"],
  [NoUnusedVariablesRule, "$"],
  [UniqueVariableNamesRule, "$"],
  [VariablesAreInputTypesRule, "$"],
  [VariablesInAllowedPositionRule, "$"],
  [FragmentsOnCompositeTypesRule, "..."],
  // Fragments are defined by a word, and one that is spread nowhere is refused as well.
  [NoUnusedFragmentsRule, "fragment"],
  [PossibleFragmentSpreadsRule, "..."],
  [KnownDirectivesRule, "@"],
  [UniqueDirectivesPerLocationRule, "@"],
]);

/**
 * Returns the rules of GraphQL that a document can break, and ours.
 *
 * @param introspection Whether the schema can be asked for.
 */
export function documentRules(text: string, introspection: boolean): readonly ValidationRule[] {
  const specified = specifiedRules.filter(
    (rule) => !REFUSED_BEFORE.includes(rule) && text.includes(NEEDED_BY.get(rule) ?? ""),
  );
  return [...specified, knownOperationTypesRule, ...(introspection ? [] : [noIntrospectionRule])];
}

/**
 * Refuses an operation of a type that the schema does not have. GraphQL 16 notices it only while executing, where
 * it looks like a fault of ours.
 */
function knownOperationTypesRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      if (context.getSchema().getRootType(operation.operation)) return;
      context.reportError(new GraphQLError(`There is no ${operation.operation} here.`, { nodes: operation }));
    },
  };
}

/** The extension is the one by which clients of Apollo Server know this refusal. */
function noIntrospectionRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value !== "__schema" && node.name.value !== "__type") return;
      context.reportError(
        new GraphQLError("Introspection is off here. The gateway's documentation has the schema.", {
          nodes: node,
          extensions: { validationErrorCode: "INTROSPECTION_DISABLED" },
        }),
      );
    },
  };
}
