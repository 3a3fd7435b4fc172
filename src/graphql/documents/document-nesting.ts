import { Lexer, Source, TokenKind } from "graphql";
import { MAX_CHARACTERS, MAX_NESTING, MAX_TOKENS } from "./document-limits.ts";

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Whether a document opens more braces, brackets and parentheses within each other than MAX_NESTING. GraphQL's parser calls
 * itself for each, until the stack is full.
 */
export function nestsTooDeep(document: string): boolean {
  // A longer one is not parsed.
  if (document.length > MAX_CHARACTERS || !hasMoreOpenings(document, MAX_NESTING)) return false;
  const lexer = new Lexer(new Source(document));
  let depth = 0;
  try {
    // The parser reads no further than MAX_TOKENS either.
    for (let token = 0; token <= MAX_TOKENS; token++) {
      const { kind } = lexer.advance();
      if (kind === TokenKind.EOF) return false;
      if (OPENING.has(kind)) depth += 1;
      if (CLOSING.has(kind)) depth -= 1;
      if (depth > MAX_NESTING) return true;
    }
  } catch {
    // The parser comes no further than this either, and says why.
  }
  return false;
}

/** Hardly any document has as many in all. */
function hasMoreOpenings(document: string, limit: number): boolean {
  const openings = /[{[(]/g;
  for (let count = 0; count <= limit; count++) if (!openings.test(document)) return false;
  return true;
}
