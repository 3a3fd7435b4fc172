import {
  type ASTVisitor,
  type DocumentNode,
  ExecutableDefinitionsRule,
  type FragmentDefinitionNode,
  FragmentsOnCompositeTypesRule,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  KnownDirectivesRule,
  KnownFragmentNamesRule,
  NoFragmentCyclesRule,
  NoUndefinedVariablesRule,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  type OperationDefinitionNode,
  PossibleFragmentSpreadsRule,
  parse,
  specifiedRules,
  UniqueDirectivesPerLocationRule,
  UniqueFragmentNamesRule,
  UniqueVariableNamesRule,
  type ValidationContext,
  type ValidationRule,
  VariablesAreInputTypesRule,
  VariablesInAllowedPositionRule,
  validate,
} from "graphql";
import { LRUCache } from "lru-cache";
import {
  InvalidSpread,
  limitRefusal,
  MAX_ALIASES,
  MAX_CHARACTERS,
  MAX_DEPTH,
  MAX_DIRECTIVES,
  MAX_FRAGMENTS,
  MAX_OPERATIONS,
  MAX_REPEATS,
  MAX_SELECTIONS,
  MAX_SPREADS,
  MAX_TOKENS,
  MAX_VALUES,
  MAX_VARIABLES,
  RepeatCounter,
  type Weight,
  WeightCounter,
} from "./document-limits.ts";

/** The syntax tree of a document takes some hundred bytes of memory for each character. */
const MAX_CACHED_CHARACTERS = 200_000;

/** Longer documents are not kept. They take longer to run than to read, and would evict many others. */
const MAX_CACHED_DOCUMENT_CHARACTERS = 20_000;

/** A developer corrects the first few mistakes. Finding more only costs the gateway time. */
const MAX_ERRORS = 10;

interface DocumentReaderOptions {
  readonly schema: GraphQLSchema;
  /** Whether callers may read the schema. If not, errors do not suggest its names either. */
  readonly introspection: boolean;
}

/** A document that may run, or the reasons why it may not. */
type Reading = {
  /** Whether the document was parsed now, because the reader had not kept it. */
  readonly isNew: boolean;
} & ({ readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] });

/**
 * Parses and validates documents. Keeps the most recently used valid ones, enough for about a hundred clients. Refuses
 * a document that exceeds a limit before validation.
 */
export class DocumentReader {
  readonly #schema: GraphQLSchema;
  readonly #introspection: boolean;
  readonly #cache = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CACHED_CHARACTERS,
    sizeCalculation: (_, text) => text.length,
  });

  constructor({ schema, introspection }: DocumentReaderOptions) {
    this.#schema = schema;
    this.#introspection = introspection;
  }

  read(text: string): Reading {
    const kept = this.#cache.get(text);
    if (kept !== undefined) return { document: kept, isNew: false };
    const read = this.#readNew(text);
    if ("document" in read && isCacheable(read.document)) this.#cache.set(text, read.document);
    return { ...read, isNew: true };
  }

  #readNew(text: string): { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] } {
    if (text.length > MAX_CHARACTERS) {
      const message = `A document may have at most ${MAX_CHARACTERS} characters.`;
      return { errors: [withCode(new GraphQLError(message), "GRAPHQL_PARSE_FAILED")] };
    }
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: MAX_TOKENS });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return { errors: [withCode(error, "GRAPHQL_PARSE_FAILED")] };
    }
    const refused = checkDocumentSize(document);
    if (refused !== undefined) return { errors: [refused] };
    const errors = validate(this.#schema, document, documentRules(text, this.#introspection), {
      maxErrors: MAX_ERRORS,
      hideSuggestions: !this.#introspection,
    });
    if (errors.length === 0) return { document };
    return { errors: errors.map((error) => withCode(error, "GRAPHQL_VALIDATION_FAILED")) };
  }
}

/** Returns whether the reader keeps a document for later requests. */
export function isCacheable({ loc }: DocumentNode): boolean {
  return loc !== undefined && loc.end <= MAX_CACHED_DOCUMENT_CHARACTERS;
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, source, positions, nodes } = error;
  const extensions = { ...error.extensions, code };
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions,
  });
}

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
function documentRules(text: string, introspection: boolean): readonly ValidationRule[] {
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
function checkDocumentSize({ definitions }: DocumentNode): GraphQLError | undefined {
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
  const weights = new WeightCounter(fragments);
  const roots: Root[] = [...operations];
  try {
    for (const operation of operations) weights.count(operation);
    // Validation also visits fragments that no operation uses.
    for (const fragment of fragments.values()) {
      if (weights.hasWeighed(fragment)) continue;
      roots.push(fragment);
      weights.count(fragment);
    }
  } catch (error) {
    if (error instanceof InvalidSpread) return limitRefusal(error.message, error.at);
    throw error;
  }
  for (const [part, limit, message] of LIMITS) {
    if (weights.total[part] > limit) return limitRefusal(message);
  }
  const repeats = new RepeatCounter(fragments);
  for (const { selectionSet } of roots) {
    const key = repeats.firstOverLimit(selectionSet);
    if (key !== undefined) {
      return limitRefusal(
        `The document selects "${key}" too often in one place of the answer. The limit is ${MAX_REPEATS} times.`,
      );
    }
  }
  return undefined;
}
