/**
 * The limits of a document, and the weights that count against them.
 */

import {
  type ArgumentNode,
  type ASTNode,
  type DirectiveNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
  type ValueNode,
} from "graphql";

/** A document of 300 mutations with all their arguments and selections has about 12,000 tokens. */
export const MAX_TOKENS = 15_000;

/** 300 mutations that each give a reason of full length take 210,000 characters. */
export const MAX_CHARACTERS = 256 * 1024;

/**
 * The deepest path of the schema has 9 levels: `mfaRollouts` to a method of an item's user. Fragments count, and
 * introspection does not.
 */
export const MAX_DEPTH = 13;

/** Enough for every change that CAM accepts within the longest deadline in use. */
export const MAX_ALIASES = 1_000;

export const MAX_DIRECTIVES = 50;

/** Selections, counting those of a fragment each time it is spread. */
export const MAX_SELECTIONS = 15_000;

/** Fragment spreads, counted in the same way. */
export const MAX_SPREADS = 1_000;

/** Selections that share one place in the answer. GraphQL compares each pair of them. */
export const MAX_REPEATS = 100;

/** Pairs of such selections in a whole document. */
export const MAX_REPEATED_PAIRS = 30_000;

/** The values of arguments. 300 mutations with all their arguments have 3,900. */
export const MAX_VALUES = 5_000;

/** GraphQL compares every two fragments. */
export const MAX_FRAGMENTS = 200;

export const MAX_OPERATIONS = 50;

export const MAX_VARIABLES = 1_000;

/** The nesting of braces, brackets and parentheses. A whole introspection query nests 14 deep. */
export const MAX_NESTING = 100;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Returns the error message for a document that nests too deep to be parsed, or undefined. The HTTP route calls this
 * first, because GraphQL's parser calls itself for each level and a deep document overflows the stack.
 */
export function nestingProblem(document: string): string | undefined {
  // The reader refuses longer documents without parsing them. A document with few openings needs no lexer.
  if (document.length > MAX_CHARACTERS) return undefined;
  if (document.split(/[{[(]/, MAX_NESTING + 2).length <= MAX_NESTING + 1) return undefined;
  const lexer = new Lexer(new Source(document));
  let depth = 0;
  try {
    // The parser stops after MAX_TOKENS as well.
    for (let token = 0; token <= MAX_TOKENS; token++) {
      const { kind } = lexer.advance();
      if (kind === TokenKind.EOF) return undefined;
      if (OPENING.has(kind)) depth += 1;
      if (CLOSING.has(kind)) depth -= 1;
      if (depth > MAX_NESTING) return `A query may nest at most ${MAX_NESTING} levels deep.`;
    }
  } catch {
    // The parser stops at the same token and reports the mistake.
  }
  return undefined;
}

/** Returns the refusal of a too large operation. Like a validation error, it has HTTP 400, or 200 as plain JSON. */
export function limitRefusal(message: string, node?: ASTNode): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    ...(node === undefined ? {} : { nodes: node }),
  });
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** The weight of a part of a document, counting a fragment each time it is spread. */
export interface Weight {
  readonly selections: number;
  readonly spreads: number;
  readonly aliases: number;
  readonly directives: number;
  /** Values of arguments, and the values inside them. */
  readonly values: number;
  /** Levels of selections. Introspection does not count. */
  readonly depth: number;
}

/** The error for a spread of an undefined fragment, or of a fragment inside itself. */
export class InvalidSpread extends Error {
  readonly at: ASTNode;

  constructor(message: string, at: ASTNode) {
    super(message);
    this.at = at;
  }
}

const NO_WEIGHT: Weight = { selections: 0, spreads: 0, aliases: 0, directives: 0, values: 0, depth: 0 };

/** Weighs parts of one document. Weighs each fragment once, so the time depends only on the length of the document. */
export class WeightCounter {
  readonly #fragments: Fragments;
  readonly #weights = new Map<string, Weight | "open">();
  #total = NO_WEIGHT;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  /** The weight of all parts so far. */
  get total(): Weight {
    return this.#total;
  }

  /** Adds an operation, or a fragment that no operation uses. @throws InvalidSpread */
  count(part: OperationDefinitionNode | FragmentDefinitionNode): void {
    const weight =
      part.kind === Kind.FRAGMENT_DEFINITION
        ? this.#weighFragment(part.name.value, part.name)
        : this.#weighSet(part.selectionSet, part.directives ?? []);
    this.#total = add(this.#total, weight);
    for (const { defaultValue, directives = [] } of part.variableDefinitions ?? []) {
      const values = defaultValue === undefined ? 0 : countValues(defaultValue);
      this.#total = add(this.#total, { ...weighDirectives(directives), values });
    }
  }

  hasWeighed({ name }: FragmentDefinitionNode): boolean {
    return this.#weights.has(name.value);
  }

  #weighSet({ selections }: SelectionSetNode, directives: readonly DirectiveNode[]): Weight {
    return selections.reduce(
      (sum, selection) => add(sum, this.#weighSelection(selection)),
      weighDirectives(directives),
    );
  }

  #weighSelection(selection: SelectionNode): Weight {
    const own = { ...weighDirectives(selection.directives ?? []), selections: 1, depth: 1 };
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      return below({ ...own, spreads: 1 }, this.#weighFragment(selection.name.value, selection));
    }
    const inner =
      selection.selectionSet === undefined ? NO_WEIGHT : this.#weighSet(selection.selectionSet, []);
    if (selection.kind === Kind.INLINE_FRAGMENT) return below(own, inner);
    const { name, alias } = selection;
    const aliases = alias === undefined || [alias.value, name.value].includes("__typename") ? 0 : 1;
    const values = own.values + countArguments(selection.arguments ?? []);
    const whole = below({ ...own, aliases, values }, inner);
    return name.value === "__schema" ? { ...whole, depth: 0 } : whole;
  }

  #weighFragment(name: string, at: ASTNode): Weight {
    const known = this.#weights.get(name);
    if (known === "open") throw new InvalidSpread(`Cannot spread fragment "${name}" within itself.`, at);
    if (known !== undefined) return known;
    const fragment = this.#fragments.get(name);
    if (fragment === undefined) throw new InvalidSpread(`Unknown fragment "${name}".`, at);
    this.#weights.set(name, "open");
    const weight = this.#weighSet(fragment.selectionSet, fragment.directives ?? []);
    this.#weights.set(name, weight);
    return weight;
  }
}

function countArguments(args: readonly ArgumentNode[]): number {
  return args.reduce((sum, { value }) => sum + countValues(value), 0);
}

/** Counts a value, and the values inside it. */
function countValues(value: ValueNode): number {
  if (value.kind === Kind.LIST) return value.values.reduce((sum, inner) => sum + countValues(inner), 1);
  if (value.kind === Kind.OBJECT)
    return value.fields.reduce((sum, inner) => sum + countValues(inner.value), 1);
  return 1;
}

function weighDirectives(directives: readonly DirectiveNode[]): Weight {
  if (directives.length === 0) return NO_WEIGHT;
  const values = directives.reduce((sum, directive) => sum + countArguments(directive.arguments ?? []), 0);
  return { ...NO_WEIGHT, directives: directives.length, values };
}

/** Adds two parts of the same level. A sum that overflows becomes Infinity, which exceeds every limit. */
function add(one: Weight, other: Weight): Weight {
  return {
    selections: one.selections + other.selections,
    spreads: one.spreads + other.spreads,
    aliases: one.aliases + other.aliases,
    directives: one.directives + other.directives,
    values: one.values + other.values,
    depth: Math.max(one.depth, other.depth),
  };
}

function below(upper: Weight, lower: Weight): Weight {
  return { ...add(upper, lower), depth: upper.depth + lower.depth };
}

/** The selections that share one place in the answer, and the places below it. */
interface Place {
  count: number;
  readonly inner: Places;
}

type Places = Map<string, Place>;

/**
 * Counts the selections of each place in the answer. GraphQL compares every two of them, including the selections below
 * them and those in fragments. The count takes one step for each expanded selection.
 */
export class RepeatCounter {
  readonly #fragments: Fragments;
  #pairs = 0;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  /** Returns the response key that is selected too often, or undefined. */
  firstOverLimit(selectionSet: SelectionSetNode): string | undefined {
    return this.#count(selectionSet, new Map());
  }

  #count({ selections }: SelectionSetNode, places: Places): string | undefined {
    for (const selection of selections) {
      if (selection.kind !== Kind.FIELD) {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection.selectionSet
            : this.#fragments.get(selection.name.value)?.selectionSet;
        const found = inner && this.#count(inner, places);
        if (found !== undefined) return found;
        continue;
      }
      const key = (selection.alias ?? selection.name).value;
      const place = places.get(key) ?? { count: 0, inner: new Map() };
      places.set(key, place);
      this.#pairs += place.count;
      place.count += 1;
      if (place.count > MAX_REPEATS || this.#pairs > MAX_REPEATED_PAIRS) return key;
      const found = selection.selectionSet && this.#count(selection.selectionSet, place.inner);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
