import { Lexer, Source, TokenKind } from "graphql";

/** A whole introspection query nests 14 deep. */
export const MAX_NESTING = 100;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Whether a document opens more braces, brackets and parentheses within each other than MAX_NESTING. GraphQL's parser calls
 * itself for each, until the stack is full.
 */
export function nestsTooDeep(document: string): boolean {
  // Hardly any document has as many in all.
  if ((document.match(/[{[(]/g)?.length ?? 0) <= MAX_NESTING) return false;
  const lexer = new Lexer(new Source(document));
  let depth = 0;
  try {
    for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
      if (OPENING.has(kind)) depth += 1;
      if (CLOSING.has(kind)) depth -= 1;
      if (depth > MAX_NESTING) return true;
    }
  } catch {
    // The parser comes no further than this either, and says why.
  }
  return false;
}
