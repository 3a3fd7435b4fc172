import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import { maxDirectivesRule } from "@escape.tech/graphql-armor-max-directives";
import { GraphQLError, type ValidationContext, type ValidationRule } from "graphql";
import { knownOperationTypesRule } from "./known-operation-types.ts";

/** A document of 300 mutations with all their arguments and selections has about 12,000 tokens. */
export const MAX_TOKENS = 15_000;

/** The deepest that the schema goes is 7, `mfaChanges` to a method of a block; introspection does not count. */
export const MAX_DEPTH = 10;

/** A document may name every one of the changes that CAM takes within the longest deadline people set. */
export const MAX_ALIASES = 1_000;

export const MAX_DIRECTIVES = 50;

/** Left to themselves they throw, which validation takes for a fault of ours, and they call it a matter of syntax. */
const reporting = {
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null, { message }: GraphQLError) =>
      context?.reportError(new GraphQLError(message.replace(/^Syntax Error: /, ""))),
  ],
};

/** What is refused of a document before it is looked at any further. */
export const documentRules: readonly ValidationRule[] = [
  knownOperationTypesRule,
  maxDepthRule({ n: MAX_DEPTH, ignoreIntrospection: true, ...reporting }) as unknown as ValidationRule,
  maxAliasesRule({ n: MAX_ALIASES, ...reporting }) as unknown as ValidationRule,
  maxDirectivesRule({ n: MAX_DIRECTIVES, ...reporting }) as unknown as ValidationRule,
];
