import { type ASTNode, GraphQLError, Lexer, Source, TokenKind } from "graphql";

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
