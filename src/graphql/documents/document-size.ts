import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  Kind,
  type OperationDefinitionNode,
} from "graphql";
import {
  limitRefusal,
  MAX_ALIASES,
  MAX_DEPTH,
  MAX_DIRECTIVES,
  MAX_FRAGMENTS,
  MAX_OPERATIONS,
  MAX_REPEATS,
  MAX_SELECTIONS,
  MAX_SPREADS,
  MAX_VALUES,
  MAX_VARIABLES,
} from "./document-limits.ts";
import { BadSpread, Repeats, Scales, type Weight } from "./document-weight.ts";

/** The limits of a document's weight, each with its refusal. */
const LIMITS: readonly (readonly [part: keyof Weight, limit: number, message: string])[] = [
  ["depth", MAX_DEPTH, `Query depth limit of ${MAX_DEPTH} exceeded.`],
  [
    "selections",
    MAX_SELECTIONS,
    `The document selects more than ${MAX_SELECTIONS} fields, counting those of a fragment wherever it is spread.`,
  ],
  ["spreads", MAX_SPREADS, `The document spreads fragments too often. The limit is ${MAX_SPREADS} times.`],
  ["aliases", MAX_ALIASES, `Aliases limit of ${MAX_ALIASES} exceeded.`],
  ["directives", MAX_DIRECTIVES, `Directives limit of ${MAX_DIRECTIVES} exceeded.`],
  ["values", MAX_VALUES, `The arguments have more than ${MAX_VALUES} values. Send long lists as variables.`],
];

type Root = OperationDefinitionNode | FragmentDefinitionNode;

/**
 * Refuses a document that takes too long to validate, measure or run. All three expand the fragments. The check takes
 * one step for each node of the document, and one for each expanded selection up to MAX_SELECTIONS.
 */
export function checkDocumentSize({ definitions }: DocumentNode): GraphQLError | undefined {
  const operations: OperationDefinitionNode[] = [];
  const fragments = new Map<string, FragmentDefinitionNode>();
  let variables = 0;
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      operations.push(definition);
      variables += definition.variableDefinitions?.length ?? 0;
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      const name = definition.name.value;
      if (fragments.has(name))
        return limitRefusal(`There can be only one fragment named "${name}".`, definition);
      fragments.set(name, definition);
    } else return limitRefusal("A document may have only operations and fragments.", definition);
  }
  if (operations.length > MAX_OPERATIONS)
    return limitRefusal(`A document may have at most ${MAX_OPERATIONS} operations.`);
  if (fragments.size > MAX_FRAGMENTS)
    return limitRefusal(`The document defines fragments too often. The limit is ${MAX_FRAGMENTS} times.`);
  if (variables > MAX_VARIABLES)
    return limitRefusal(`A document may declare at most ${MAX_VARIABLES} variables.`);
  return checkExpanded(operations, fragments);
}

function checkExpanded(
  operations: readonly OperationDefinitionNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): GraphQLError | undefined {
  const scales = new Scales(fragments);
  const roots: Root[] = [...operations];
  try {
    for (const operation of operations) scales.put(operation);
    // Validation also visits fragments that no operation uses.
    for (const fragment of fragments.values()) {
      if (scales.hasWeighed(fragment)) continue;
      roots.push(fragment);
      scales.put(fragment);
    }
  } catch (error) {
    if (error instanceof BadSpread) return limitRefusal(error.message, error.at);
    throw error;
  }
  for (const [part, limit, message] of LIMITS) {
    if (scales.total[part] > limit) return limitRefusal(message);
  }
  const repeats = new Repeats(fragments);
  for (const { selectionSet } of roots) {
    const key = repeats.tooMany(selectionSet);
    if (key !== undefined) {
      return limitRefusal(
        `The document selects "${key}" too often in one place of the answer. The limit is ${MAX_REPEATS} times.`,
      );
    }
  }
  return undefined;
}
